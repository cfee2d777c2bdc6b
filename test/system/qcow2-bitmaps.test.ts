import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { readDrive } from '../../runtime/block/drive/read-drive.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { describeWithPrograms } from './programs.js';
import { startUnixServer } from './unix-server.js';

const folder = mkdtempSync(join(tmpdir(), 'bitmaps-'));
const image = join(folder, 'disk.qcow2');
const qemuImg = (...args: string[]): string => execFileSync('qemu-img', args, { encoding: 'utf8' });
const MiB = 2 ** 20;

afterAll(() => rmSync(folder, { recursive: true }));

/** A layer with the image in a drive, and a way to close it. */
async function opened(readOnly = false): Promise<LayerClient> {
  const client = new LayerClient();
  onTestFinished(() => client.layer.close());
  const text = `file=${image},format=qcow2,id=d${readOnly ? ',read-only=on' : ''}`;
  await client.layer.addDrive(readDrive(text, client.layer.registry));
  return client;
}

const write = (client: LayerClient, offset: number, length: number): Promise<void> | undefined =>
  client.layer.backend('d')?.write(offset, new Uint8Array(length).fill(7));

/** The bitmaps that QEMU finds in the image, with their flags. */
function bitmaps(): { name: string; flags: string[]; granularity: number }[] {
  const info = JSON.parse(qemuImg('info', '-U', '--output=json', image)) as {
    'format-specific': { data: { bitmaps?: { name: string; flags: string[]; granularity: number }[] } };
  };
  return info['format-specific'].data.bitmaps ?? [];
}

const check = (): object => JSON.parse(qemuImg('check', '--output=json', image)) as object;

/** The stretches that a bitmap says are dirty, as QEMU reads it and libnbd shows it. */
async function dirtyIn(name: string): Promise<[offset: number, length: number][]> {
  const socket = join(folder, 'nbd.sock');
  const server = await startUnixServer(socket, ['qemu-nbd', '-r', '-k', socket, '-f', 'qcow2', '-B', name, image]);
  // It ends, and gives up its locks, when its only client has left.
  const ended = once(server, 'close');
  const uri = `nbd+unix:///?socket=${socket}`;
  const map = execFileSync('nbdinfo', ['--json', `--map=qemu:dirty-bitmap:${name}`, uri], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  await ended;
  const stretches = JSON.parse(map) as { offset: number; length: number; type: number }[];
  return stretches.filter(({ type }) => type === 1).map(({ offset, length }) => [offset, length]);
}

describeWithPrograms('persistent bitmaps, shared with QEMU', ['qemu-img', 'qemu-nbd', 'nbdinfo'], () => {
  beforeEach(() => {
    qemuImg('create', '-q', '-f', 'qcow2', image, '16M');
    for (const name of ['b0', 'täglich']) qemuImg('bitmap', '--add', image, name);
  });

  test('the bitmaps of QEMU go on recording, and QEMU reads what was recorded', async () => {
    qemuImg('bitmap', '--add', '--disable', '-g', '512', image, 'off');
    const client = await opened();
    await write(client, 3 * MiB + 512, 1024);
    await write(client, 5 * MiB, MiB);
    await client.layer.close();
    expect(client.warnings).toEqual([]);
    expect(bitmaps()).toEqual([
      { name: 'b0', flags: ['auto'], granularity: 65536 },
      { name: 'täglich', flags: ['auto'], granularity: 65536 },
      { name: 'off', flags: [], granularity: 512 },
    ]);
    expect(await dirtyIn('b0')).toEqual([
      [3 * MiB, 65536],
      [5 * MiB, MiB],
    ]);
    expect(await dirtyIn('off')).toEqual([]);
    expect(check()).not.toHaveProperty('leaks');
    expect(check()).not.toHaveProperty('corruptions');
  });

  test('what QEMU has recorded is added to', async () => {
    execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write 0 64k', '-c', 'write 8M 1M', image]);
    const client = await opened();
    await write(client, 64 * 1024, 512);
    await client.layer.close();
    expect(await dirtyIn('b0')).toEqual([
      [0, 2 * 65536],
      [8 * MiB, MiB],
    ]);
  });

  test('an image that is only read keeps its bitmaps as they are, to the byte', async () => {
    const before = readFileSync(image);
    for (const readOnly of [false, true]) {
      const client = await opened(readOnly);
      await client.layer.backend('d')?.read(0, new Uint8Array(65536));
      await client.layer.backend('d')?.flush();
      await client.layer.close();
      expect(client.warnings).toEqual([]);
      expect(Buffer.compare(readFileSync(image), before)).toBe(0);
    }
  });

  test('while the image is written, QEMU sees that its bitmaps are in use', async () => {
    const client = await opened();
    await write(client, 0, 512);
    execFileSync('cp', [image, `${image}.copy`]);
    const info = qemuImg('info', '-U', `${image}.copy`);
    expect(info).toContain('in-use');
    await client.layer.close();
  });

  test('a bitmap that QEMU has lost can be removed, and nothing else', async () => {
    // QEMU is killed while it has the image open for writing.
    const killed = spawn('qemu-io', ['-f', 'qcow2', '-c', 'write 0 512', '-c', 'sigraise 9', image]);
    await once(killed, 'close');
    expect(bitmaps()[0]?.flags).toContain('in-use');
    const client = await opened();
    await expect(client.execute('block-dirty-bitmap-clear', { node: 'd', name: 'b0' })).rejects.toThrow(
      "Bitmap 'b0' is inconsistent",
    );
    await client.execute('block-dirty-bitmap-remove', { node: 'd', name: 'b0' });
    expect(bitmaps().map(({ name }) => name)).toEqual(['täglich']);
    await client.layer.close();
    expect(bitmaps()).toEqual([{ name: 'täglich', flags: ['in-use', 'auto'], granularity: 65536 }]);
    expect(check()).not.toHaveProperty('leaks');
    expect(check()).not.toHaveProperty('corruptions');
  });

  test('QEMU finds the bitmaps that commands have made persistent, and no others', async () => {
    const client = await opened();
    const add = (name: string, more: object) => client.execute('block-dirty-bitmap-add', { node: 'd', name, ...more });
    await add('kept', { persistent: true, granularity: 4096 });
    await add('disabled', { persistent: true, disabled: true });
    await add('passing', {});
    await expect(add('b0', { persistent: true })).rejects.toThrow('Bitmap already exists: b0');
    await expect(add('x'.repeat(1024), { persistent: true })).rejects.toThrow('Bitmap name too long');
    await write(client, MiB, 512);
    await client.execute('block-dirty-bitmap-remove', { node: 'd', name: 'täglich' });
    await client.layer.close();
    expect(bitmaps()).toEqual([
      { name: 'b0', flags: ['auto'], granularity: 65536 },
      { name: 'kept', flags: ['auto'], granularity: 4096 },
      { name: 'disabled', flags: [], granularity: 65536 },
    ]);
    expect(await dirtyIn('kept')).toEqual([[MiB, 4096]]);
    expect(await dirtyIn('disabled')).toEqual([]);
    expect(check()).not.toHaveProperty('leaks');
  });

  test('bitmaps of a read-only image cannot be changed', async () => {
    const client = await opened(true);
    for (const command of ['block-dirty-bitmap-clear', 'block-dirty-bitmap-remove']) {
      await expect(client.execute(command, { node: 'd', name: 'b0' })).rejects.toThrow('is readonly');
    }
  });

  test('an image with bitmaps and internal snapshots can be resized, and QEMU goes back to the snapshot', async () => {
    execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -P 3 15M 1M', image]);
    qemuImg('snapshot', '-c', 'before', image);
    for (const size of [24, 8, 32]) {
      const client = await opened();
      await client.execute('block_resize', { device: 'd', size: size * MiB });
      await write(client, 0, 512);
      await client.layer.close();
      expect(check()).not.toHaveProperty('corruptions');
      expect(check()).not.toHaveProperty('leaks');
      expect(await dirtyIn('b0')).toContainEqual([0, 65536]);
    }
    for (const { name } of bitmaps()) qemuImg('bitmap', '--remove', image, name);
    qemuImg('snapshot', '-a', 'before', image);
    execFileSync('qemu-io', ['-r', '-f', 'qcow2', '-c', 'read -P 3 15M 1M', image]);
    expect(JSON.parse(qemuImg('info', '--output=json', image))).toMatchObject({ 'virtual-size': 16 * MiB });
  });
});
