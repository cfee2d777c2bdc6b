/**
 * The other process of the benchmarks of QMP: a server of ours, or a bare echo that answers each line with the bytes of a reply. It
 * answers its parent's messages with the memory that it uses.
 */
import { createServer } from 'node:net';
import { createQmpServer } from '../runtime/index.js';

const [, , role, path, reply] = process.argv as [string, string, string, string, string];

if (role === 'server') {
  await createQmpServer({
    dispatch: new Map(),
    handlers: {},
    listen: { path },
    version: { major: 7, minor: 2, micro: 0 },
  });
} else {
  const bytes = Buffer.from(reply);
  createServer((socket) => {
    socket.on('data', (chunk) => {
      for (let at = chunk.indexOf(0x0a); at !== -1; at = chunk.indexOf(0x0a, at + 1)) socket.write(bytes);
    });
  }).listen(path);
}
process.on('message', () => process.send?.(process.memoryUsage().rss));
process.send?.('ready');
process.on('disconnect', () => process.exit());
