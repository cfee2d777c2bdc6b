/**
 * Makes a qcow2 image and serves it to guests over NBD, until it is interrupted.
 *
 *     node build/guest-disk.js guest.qcow2 /tmp/nbd.sock &
 *     qemu-system-x86_64 -drive file=nbd+unix:///disk?socket=/tmp/nbd.sock,format=raw
 */
import { once } from 'node:events';
import { BlockLayer, BlockOptions, createImage } from 'qapi-ts/block';

const [filename = 'guest.qcow2', path = '/tmp/nbd.sock'] = process.argv.slice(2);
await using layer = new BlockLayer({
  events: { emit: (event, data) => console.log(event, data) },
  warn: (message) => console.warn(message),
});

await createImage(layer.graph, { format: 'qcow2', filename, size: 2 ** 30 });
await layer.addNode(
  new BlockOptions([
    ['driver', 'qcow2'],
    ['node-name', 'disk'],
    ['file.driver', 'file'],
    ['file.filename', filename],
  ]),
);

const server = await layer.openNbd({ path });
server.add({ name: 'disk', of: { node: 'disk' }, writable: true });
console.log(`nbd+unix:///disk?socket=${path}`);

// The end of the file closes the layer: clients are disconnected, and what is cached is written.
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
