import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readDevice } from '../../runtime/block/drive/device.js';
import { readDrive } from '../../runtime/block/drive/read-drive.js';
import { createImage } from '../../runtime/block/graph/create.js';
import { BlockOptions } from '../../runtime/block/options.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { describeWithPrograms } from './programs.js';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-probing-'));
const at = (name: string): string => join(folder, name);
const images = [['bochs', 'bochs']] as const;

/** An empty disk of 16 MiB in the format of Bochs. */
function bochs(): Buffer {
  const bytes = Buffer.alloc(1024, 0xff).fill(0, 0, 512);
  bytes.write('Bochs Virtual HD Image');
  bytes.write('Redolog', 32);
  bytes.write('Growing', 48);
  // Version, bytes of the header, entries of the catalog, bytes of a bitmap and of an extent.
  for (const [index, value] of [0x2_0000, 512, 16, 512, 2 ** 20].entries()) bytes.writeUInt32LE(value, 64 + index * 4);
  bytes.writeUInt32LE(2 ** 24, 88);
  return bytes;
}

describeWithPrograms('images in formats that are not built in', ['qemu-img'], () => {
  beforeAll(() => {
    writeFileSync(at('bochs'), bochs());
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(images)('%s is refused by the name of its format wherever it is probed', async (name, format) => {
    const { stdout } = await run('qemu-img', ['info', '--output=json', at(name)]);
    expect(JSON.parse(stdout).format).toBe(format);
    const refused = `is in the format '${format}'`;
    const client = new LayerClient();
    const { layer } = client;
    const drive = (text: string) => layer.addDrive(readDrive(text, layer.registry));
    await expect(drive(`file=${at(name)},id=d`)).rejects.toThrow(refused);
    await expect(drive(`file=${at(name)},id=d,read-only=on`)).rejects.toThrow(refused);
    await expect(drive(`file=${at(name)},id=d,snapshot=on`)).rejects.toThrow(refused);
    await createImage(layer.graph, {
      format: 'qcow2',
      filename: at('over'),
      size: 2 ** 24,
      backing: { name: at(name) },
    });
    await expect(drive(`file=${at('over')},id=d`)).rejects.toThrow(refused);
    await drive('id=cd,if=none,media=cdrom');
    layer.addDevice(readDevice('cdrom,drive=cd'));
    await expect(client.execute('change', { device: 'cd', target: at(name) })).rejects.toThrow(refused);
    await expect(client.execute('blockdev-change-medium', { device: 'cd', filename: at(name) })).rejects.toThrow(
      refused,
    );
    const other = layer.addNode(
      BlockOptions.flatten({
        driver: 'quorum',
        'node-name': 'n',
        'vote-threshold': 1,
        children: [{ file: { driver: 'file', filename: at(name) } }],
      }),
    );
    await expect(other).rejects.toThrow(refused);
    await drive(`file=${at(name)},format=raw,id=d`);
    await layer.close();
  });
});
