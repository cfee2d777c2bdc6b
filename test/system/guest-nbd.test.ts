import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createImage } from '../../runtime/block/graph/create.js';
import { BlockOptions } from '../../runtime/block/options.js';
import { folderWith } from '../cli/command-line.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { bootSector, exitCode, greeting } from './guest-program.js';
import { run } from './interop-images.js';
import { NbdClient } from './nbd-client.js';
import { describeWithPrograms } from './programs.js';
import { has } from './release.js';

const MiB = 2 ** 20;
const task = { readFrom: 2048, count: 32, writeTo: 4100 };
const readBytes = task.count * 512;

/** Runs a guest on a disk until it ends itself. @returns its exit code and what it said */
async function runGuest(folder: string, drive: readonly string[]): Promise<{ code: number | null; said: Buffer }> {
  const said = join(folder, 'said');
  const guest = spawn(
    'qemu-system-x86_64',
    [
      // On virtio disks of the machines of 10.0 to 11.1, a BIOS call fails that writes for milliseconds, whatever the server is.
      ...['-machine', 'pc-i440fx-7.2,accel=tcg', '-m', '16', '-display', 'none', '-nodefaults', '-no-reboot'],
      ...['-debugcon', `file:${said}`, '-device', 'isa-debug-exit,iobase=0xf4,iosize=1'],
      ...drive,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  onTestFinished(() => void guest.kill('SIGKILL'));
  let problems = '';
  guest.stderr.setEncoding('utf8').on('data', (text: string) => {
    problems += text;
  });
  const [code] = await once(guest, 'close');
  const warning = has('old machines are deprecated', 'qemu-system-x86_64')
    ? /^.* Machine type .* is deprecated:.*\n$/
    : /^$/;
  expect(problems).toMatch(warning);
  return { code, said: readFileSync(said) };
}

describeWithPrograms('a guest', ['qemu-system-x86_64', 'qemu-img', 'qemu-io'], () => {
  test.each([
    ['ide', (uri: string) => ['-drive', `file=${uri},format=raw,if=ide`]],
    ['virtio', (uri: string) => ['-drive', `file=${uri},format=raw,if=virtio`]],
  ])('boots from a disk of ours over NBD, reads it and writes it: %s', async (_, drive) => {
    const folder = folderWith({});
    const [base, image, socket] = ['base.raw', 'disk.qcow2', 'socket'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const contents = randomBytes(readBytes);
    const client = new LayerClient();
    onTestFinished(() => client.layer.close());
    // What the guest reads comes from the backing file in part.
    await createImage(client.layer.graph, { format: 'raw', filename: base, size: 4 * MiB });
    await run('qemu-io', ['-f', 'raw', '-c', `write -P 0x42 ${task.readFrom * 512} ${readBytes}`, base]);
    await createImage(client.layer.graph, {
      format: 'qcow2',
      filename: image,
      size: 4 * MiB,
      backing: { name: base, format: 'raw' },
      options: new BlockOptions([['cluster_size', 4096]]),
    });
    await client.execute('blockdev-add', {
      options: { driver: 'qcow2', 'node-name': 'disk', file: { driver: 'file', filename: image } },
    });
    await client.execute('nbd-server-start', { addr: { type: 'unix', data: { path: socket } } });
    await client.execute('nbd-server-add', { device: 'disk', writable: true });

    const writer = await NbdClient.connect(socket, 'disk');
    await writer.write(0, bootSector(task));
    await writer.write(task.readFrom * 512, contents.subarray(0, readBytes / 2));
    await writer.close();

    const { code, said } = await runGuest(folder, drive(`nbd+unix:///disk?socket=${socket}`));
    const read = Buffer.concat([contents.subarray(0, readBytes / 2), Buffer.alloc(readBytes / 2, 0x42)]);
    const sum = read.reduce((total, byte) => (total + byte) & 0xffff, 0);
    expect([code, said.subarray(0, greeting.length).toString(), said.readUInt16LE(greeting.length)]).toEqual([
      exitCode.good,
      greeting,
      sum,
    ]);

    await client.layer.close();
    const written = Buffer.from(read.subarray(0, 512));
    written[0] = '!'.charCodeAt(0);
    const copy = join(folder, 'copy.raw');
    await run('qemu-img', ['check', '-q', image]);
    await run('qemu-img', ['convert', '-O', 'raw', image, copy]);
    expect(
      readFileSync(copy)
        .subarray(task.writeTo * 512, task.writeTo * 512 + 512)
        .equals(written),
    ).toBe(true);
  });
});
