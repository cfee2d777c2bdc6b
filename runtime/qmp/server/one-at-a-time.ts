import type { Socket } from 'node:net';

/** Connections that may wait for their turn; beyond, they are turned away. */
const mostWaiting = 128;

/**
 * Serves one connection at a time: the next has its turn when the one before is closed.
 *
 * @param serve begins to serve a connection; what it throws or rejects with closes that
 */
export function oneAtATime(serve: (socket: Socket) => Promise<void> | void): (socket: Socket) => void {
  const waiting = new Set<Socket>();
  let busy = false;
  const begin = async (socket: Socket): Promise<void> => {
    busy = true;
    socket.once('close', () => {
      busy = false;
      const [next] = waiting;
      if (next === undefined) return;
      waiting.delete(next);
      void begin(next);
    });
    try {
      await serve(socket);
    } catch {
      socket.destroy();
    }
  };
  return (socket) => {
    socket.on('error', () => socket.destroy());
    if (!busy) {
      void begin(socket);
    } else if (waiting.size === mostWaiting) {
      socket.destroy();
    } else {
      waiting.add(socket);
      socket.once('close', () => waiting.delete(socket));
    }
  };
}
