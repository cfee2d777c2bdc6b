/** Compiles and runs the programs of `examples/` against the installed package. */
import assert from 'node:assert/strict';
import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { havePrograms, run, serving } from './programs.mjs';

const root = join(import.meta.dirname, '..');
const node = process.execPath;

/**
 * @param folder an empty folder for the examples
 * @param tarball the package
 */
export async function runExamples(folder, tarball) {
  await cp(join(root, 'examples'), folder, { recursive: true });
  run(folder, 'npm', 'install', '--no-audit', '--no-fund', tarball);
  run(folder, 'npm', 'run', 'generate');
  const daemon = havePrograms('qemu-storage-daemon');
  if (daemon) await generateForDaemon(folder);
  else await rm(join(folder, 'job.ts'));
  run(folder, 'npm', 'run', 'build');

  await queryAndEvents(folder);
  await heating(folder);
  await guestDisk(folder);
  visitor(folder);
  if (daemon) job(folder);
}

const qapiTs = (folder) => join(folder, 'node_modules/.bin/qapi-ts');

async function queryAndEvents(folder) {
  await writeFile(join(folder, 'disk.raw'), new Uint8Array(1 << 20));
  const drives = ['file=disk.raw,format=raw,id=disk0', 'if=ide,media=cdrom,id=cd0'].flatMap((drive) => [
    '--drive',
    drive,
  ]);
  const server = [qapiTs(folder), 'serve', '--qmp', 'unix:qmp.sock', ...drives];
  await serving(folder, server, join(folder, 'qmp.sock'), () => {
    const disks = run(folder, node, 'build/query.js', 'unix:qmp.sock');
    assert.equal(disks, 'disk0: 1048576 bytes of raw in disk.raw\ncd0: empty\n');
    const events = run(folder, node, 'build/events.js', 'unix:qmp.sock', 'cd0');
    assert.match(
      events,
      /^\S+Z DEVICE_TRAY_MOVED \{.*\n(.*\n)*?the tray of cd0 is open\n(.*\n)*the tray of cd0 is closed\n/,
    );
  });
}

async function heating(folder) {
  const socket = join(folder, 'heating.sock');
  const ask = (command) => run(folder, qapiTs(folder), 'shell', socket, '-x', command);
  await serving(folder, [node, 'build/server.js', `unix:${socket}`], socket, () => {
    ask('heat room=study target=21');
    const rooms = JSON.parse(ask('query-rooms'));
    assert.deepEqual(rooms.at(-1), { name: 'study', temperature: 21, target: 21 });
  });
}

async function guestDisk(folder) {
  if (!havePrograms('qemu-img')) return;
  const socket = join(folder, 'nbd.sock');
  const printed = await serving(folder, [node, 'build/guest-disk.js', 'guest.qcow2', socket], socket, () => {
    const uri = `nbd+unix:///disk?socket=${socket}`;
    const { 'virtual-size': size } = JSON.parse(run(folder, 'qemu-img', 'info', '--output=json', uri));
    assert.equal(size, 2 ** 30);
  });
  assert.match(printed, /nbd\+unix:\/\/\/disk/);
  assert.doesNotMatch(printed, /koffi/);
  run(folder, 'qemu-img', 'check', 'guest.qcow2');
}

function visitor(folder) {
  const disk = { driver: 'qcow2', file: { driver: 'file', filename: 'a.qcow2' }, backing: 'base' };
  const references = run(folder, node, 'build/visitor.js', JSON.stringify(disk));
  assert.equal(references, 'nodes: base\nfiles: a.qcow2\n');
}

/** Generates the types that `job.ts` uses from the storage daemon of this machine. */
async function generateForDaemon(folder) {
  const chardev = ['--chardev', 'socket,id=m,path=daemon.sock,server=on,wait=off', '--monitor', 'chardev=m'];
  await serving(folder, ['qemu-storage-daemon', ...chardev], join(folder, 'daemon.sock'), () =>
    run(folder, qapiTs(folder), 'generate', '--from', 'daemon.sock', '-o', 'generated-daemon'),
  );
}

function job(folder) {
  assert.match(run(folder, node, 'build/job.js', 'disk.qcow2'), /disk\.qcow2 is ready\n$/);
  run(folder, 'qemu-img', 'check', 'disk.qcow2');
}
