import type { Socket } from 'node:net';

/** Connections that may wait for their turn; beyond, they are turned away. As many as QEMU lets the system keep for it. */
const mostWaiting = 128;

/** Serves so many connections at a time; others wait until one of those is closed. */
export class ConnectionTurns {
  /** How many are served at a time. */
  readonly most: number;
  readonly #serve: (socket: Socket) => Promise<void>;
  readonly #waiting = new Set<Socket>();
  #served = 0;

  /** @param serve begins to serve a connection; what it rejects with closes that */
  constructor(most: number, serve: (socket: Socket) => Promise<void>) {
    this.most = most;
    this.#serve = serve;
  }

  /** Serves a connection that a server has accepted, at once or when it has its turn. */
  take(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    if (this.#served < this.most) {
      this.#begin(socket);
    } else if (this.#waiting.size === mostWaiting) {
      socket.destroy();
    } else {
      this.#waiting.add(socket);
      socket.once('close', () => this.#waiting.delete(socket));
    }
  }

  /** Turns away those that wait. */
  close(): void {
    for (const socket of this.#waiting) socket.destroy();
    this.#waiting.clear();
  }

  #begin(socket: Socket): void {
    this.#served++;
    socket.once('close', () => {
      this.#served--;
      const [next] = this.#waiting;
      if (next === undefined) return;
      this.#waiting.delete(next);
      this.#begin(next);
    });
    this.#serve(socket).catch(() => socket.destroy());
  }
}
