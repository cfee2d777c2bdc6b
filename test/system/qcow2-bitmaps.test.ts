import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { readDrive } from '../../runtime/block/drive/read-drive.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { describeWithPrograms } from './programs.js';

const folder = mkdtempSync(join(tmpdir(), 'bitmaps-'));
const image = join(folder, 'disk.qcow2');
const qemuImg = (...args: string[]): string => execFileSync('qemu-img', args, { encoding: 'utf8' });

afterAll(() => rmSync(folder, { recursive: true }));

/** A layer with the image in a drive, and a way to close it. */
async function opened(readOnly = false): Promise<LayerClient> {
  const client = new LayerClient();
  onTestFinished(() => client.layer.close());
  const text = `file=${image},format=qcow2,id=d${readOnly ? ',read-only=on' : ''}`;
  await client.layer.addDrive(readDrive(text, client.layer.registry));
  return client;
}

/** The names of the bitmaps that QEMU finds in the image. */
function bitmaps(): string[] {
  const info = JSON.parse(qemuImg('info', '--output=json', image)) as {
    'format-specific': { data: { bitmaps?: { name: string }[] } };
  };
  return (info['format-specific'].data.bitmaps ?? []).map(({ name }) => name);
}

const check = (): object => JSON.parse(qemuImg('check', '--output=json', image)) as object;

describeWithPrograms('persistent bitmaps that QEMU has made', ['qemu-img'], () => {
  beforeEach(() => {
    qemuImg('create', '-q', '-f', 'qcow2', image, '16M');
    for (const name of ['b0', 'täglich']) qemuImg('bitmap', '--add', image, name);
  });

  test('the bitmaps stay when the image is opened for writing, read, and closed', async () => {
    const client = await opened();
    await client.layer.backend('d')?.read(0, new Uint8Array(65536));
    await client.layer.backend('d')?.flush();
    await client.layer.close();
    expect(client.warnings).toEqual([
      expect.stringContaining(
        `Image '${image}' has persistent bitmaps ('b0', 'täglich'), which this server does not keep`,
      ),
    ]);
    expect(bitmaps()).toEqual(['b0', 'täglich']);
    expect(check()).toMatchObject({ 'check-errors': 0 });
    expect(check()).not.toHaveProperty('leaks');
    expect(check()).not.toHaveProperty('corruptions');
  });

  test('a read-only image is opened without mentioning its bitmaps', async () => {
    const client = await opened(true);
    await client.layer.close();
    expect(client.warnings).toEqual([]);
    expect(bitmaps()).toEqual(['b0', 'täglich']);
  });

  test('the first write marks them as invalid, so that they can be made anew', async () => {
    const client = await opened();
    await client.layer.backend('d')?.write(0, new Uint8Array(512).fill(7));
    await client.layer.close();
    expect(client.warnings[1]).toContain("its persistent bitmaps ('b0', 'täglich') are not valid any more");
    expect(bitmaps()).toEqual([]);
    // Fails if more is wrong than that the bitmaps' clusters are not freed yet.
    qemuImg('check', '-q', '-r', 'leaks', image);
    qemuImg('bitmap', '--add', image, 'b0');
    expect(bitmaps()).toEqual(['b0']);
  });
});
