import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BlockInfo } from '../../../generated/index.js';
import { Backend } from '../../../runtime/block/backend/backend.js';
import { builtInDrivers } from '../../../runtime/block/built-in-drivers.js';
import { readDevice } from '../../../runtime/block/drive/device.js';
import { readDrive } from '../../../runtime/block/drive/read-drive.js';
import type { BlockDriver } from '../../../runtime/block/driver.js';
import { BlockError } from '../../../runtime/block/error.js';
import { createImage } from '../../../runtime/block/graph/create.js';
import { LayerClient } from './layer-client.js';

const folder = mkdtempSync(join(tmpdir(), 'layer-'));
const image = join(folder, 'disk.img');
let client: LayerClient;

beforeEach(() => {
  writeFileSync(image, Buffer.alloc(65536, 5));
  client = new LayerClient();
});
afterEach(async () => {
  await client.layer.close();
  vi.unstubAllEnvs();
});
afterAll(() => rmSync(folder, { recursive: true }));

const drive = async (text: string) => client.layer.addDrive(readDrive(text, client.layer.registry));
const devices = async () => (await client.execute('query-block')) as BlockInfo[];
const human = (line: string) => client.execute('human-monitor-command', { 'command-line': line });

async function read(name: string, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  await client.layer.backend(name)?.read(offset, buffer);
  return buffer;
}

describe('drives', () => {
  it('adds a drive as a backend with a medium', async () => {
    await drive(`file=${image},format=raw,id=d`);
    expect(await devices()).toMatchObject([
      { device: 'd', removable: true, inserted: { file: image, drv: 'raw', ro: false } },
    ]);
    expect(await read('d', 4096, 3)).toEqual(Buffer.alloc(3, 5));
  });

  it('leave nothing behind when they cannot be opened', async () => {
    await expect(drive(`file=${folder}/absent,id=d`)).rejects.toThrow(/No such file/);
    await drive(`file=${image},format=raw,id=d`);
    await expect(drive(`file=${image},format=raw,id=d`)).rejects.toThrow(/d/);
    expect((await devices()).length).toBe(1);
  });

  it('adds a drive without a medium where none is given', async () => {
    await drive('id=cd0,media=cdrom');
    expect(await devices()).toEqual([{ device: 'cd0', type: 'unknown', removable: true, locked: false }]);
    await expect(read('cd0', 0, 1)).rejects.toMatchObject({ code: 'ENOMEDIUM' });
  });

  it('adds a device for a drive on an interface', async () => {
    await drive('if=ide,media=cdrom');
    expect(await devices()).toMatchObject([{ device: 'ide0-cd0', removable: true, tray_open: false }]);
  });
});

describe('snapshot=on', () => {
  it('keeps writes in a hidden temporary file, and leaves the image unchanged', async () => {
    vi.stubEnv('TMPDIR', folder);
    await client.layer.close();
    client = new LayerClient({
      authorize: async (path) => {
        if (path !== image) throw new BlockError(`${path} may not be used`, { code: 'EACCES' });
      },
    });
    await drive(`file=${image},format=raw,id=d,snapshot=on`);
    await client.layer.backend('d')?.write(512, Buffer.alloc(512, 9));
    expect(await read('d', 0, 1024)).toEqual(Buffer.concat([Buffer.alloc(512, 5), Buffer.alloc(512, 9)]));
    expect(readFileSync(image)).toEqual(Buffer.alloc(65536, 5));
    expect(readdirSync(folder)).toEqual(['disk.img']);
    const [info] = await devices();
    expect(info?.inserted).toMatchObject({ drv: 'qcow2', backing_file: image, cache: { 'no-flush': true } });
  });

  it('holds the image while the overlay is made', async () => {
    await drive('id=other');
    const { graph } = client.layer;
    const added = drive(`file=${image},format=raw,id=d,snapshot=on,node-name=n`);
    while (graph.node('n') === undefined) await new Promise((resolve) => setImmediate(resolve));
    await client.execute('x-blockdev-insert-medium', { device: 'other', 'node-name': 'n' });
    await client.execute('x-blockdev-remove-medium', { device: 'other' });
    await added;
    expect(await read('d', 4096, 3)).toEqual(Buffer.alloc(3, 5));
    await human('drive_del d');
    expect([...graph.nodes]).toEqual([]);
  });

  it('leaves nothing behind when the overlay cannot be made', async () => {
    vi.stubEnv('TMPDIR', join(folder, 'absent'));
    await expect(drive(`file=${image},format=raw,id=d,snapshot=on`)).rejects.toThrow();
    expect([await devices(), [...client.layer.graph.nodes]]).toEqual([[], []]);
  });
});

describe('deleting drives', () => {
  it('closes the medium and frees the id', async () => {
    await drive(`file=${image},format=raw,id=d`);
    expect(await human('drive_del d')).toBe('');
    expect([await devices(), [...client.layer.graph.nodes]]).toEqual([[], []]);
    await drive(`file=${image},format=raw,id=d`);
  });

  it('leaves a device its backend, without a name and a medium', async () => {
    await drive(`file=${image},format=raw,id=d`);
    await client.layer.addDevice(readDevice('floppy,drive=d,id=dev'));
    await human('drive_del d');
    expect(await devices()).toMatchObject([{ device: '', qdev: 'dev' }]);
    await client.execute('blockdev-change-medium', { id: 'dev', filename: image, format: 'raw' });
    expect([...client.layer.backends].map(({ name, length }) => ({ name, length }))).toEqual([
      { name: '', length: 65536 },
    ]);
  });

  it('refuses what is not there, and media that came from blockdev-add', async () => {
    await drive('id=d');
    await client.execute('blockdev-add', { options: { driver: 'null-co', 'node-name': 'n', size: 512 } });
    await client.execute('x-blockdev-insert-medium', { device: 'd', 'node-name': 'n' });
    expect(await human('drive_del d')).toContain('blockdev-add');
    expect(await human('drive_del nope')).toContain('not found');
  });
});

describe('virtual devices', () => {
  it('attaches a device only to a drive without one, and under a free id', async () => {
    await drive('id=a');
    await drive('id=b');
    const attach = (text: string) => client.layer.addDevice(readDevice(text));
    await attach('cdrom,drive=a,id=dev');
    await expect(attach('cdrom,drive=nope')).rejects.toThrow(/no drive/);
    await expect(attach('disk,drive=a,id=other')).rejects.toThrow(/has a device/);
    await expect(attach('disk,drive=b,id=dev')).rejects.toThrow(/'dev'/);
  });

  it('keep their ids when their drive is deleted, and leave them to no other', async () => {
    await drive('id=a');
    await client.layer.addDevice(readDevice('cdrom,drive=a,id=ide0-cd0'));
    await human('drive_del a');
    await drive('id=b');
    await expect(client.layer.addDevice(readDevice('cdrom,drive=b,id=ide0-cd0'))).rejects.toThrow(/'ide0-cd0'/);
    await expect(drive('if=ide,media=cdrom')).rejects.toThrow(/'ide0-cd0'/);
    expect(client.layer.registry.kind('ide0-cd0')).toBeUndefined();
  });
});

describe('an exported node', () => {
  it('takes no more requests while it is closed', async () => {
    const steps: string[] = [];
    let flushed = (): void => {};
    const slow: BlockDriver = {
      name: 'slow',
      kind: 'protocol',
      open: async () => ({
        length: 65536,
        read: async () => {},
        write: async () => void steps.push('write'),
        flushToOs: () =>
          new Promise((resolve) => {
            steps.push('flush');
            flushed = resolve;
          }),
        close: async () => void steps.push('close'),
      }),
    };
    client = new LayerClient({ drivers: builtInDrivers([slow]) });
    await drive('driver=slow,node-name=n,id=d');
    const server = await client.layer.openNbd({ path: join(folder, 'nbd.sock') });
    await server.add({ name: 'n', of: { node: 'n' }, writable: false });
    const owners = [...client.layer.graph.namedNode('n').parents].map(({ owner }) => owner);
    const exported = owners
      .map((owner) => 'backend' in owner && owner.backend)
      .find((owner) => owner instanceof Backend && owner.name === '') as Backend;
    await human('drive_del d');
    // Now the export alone holds the node.
    expect(steps).toEqual([]);
    const closed = server.close();
    await vi.waitUntil(() => steps.includes('flush'));
    const late = expect(exported.write(0, Buffer.alloc(512))).rejects.toMatchObject({ code: 'ENOMEDIUM' });
    flushed();
    await Promise.all([closed, late]);
    expect(steps).toEqual(['flush', 'close']);
  });
});

describe('copy on read', () => {
  it('brings what is read into the drive, once', async () => {
    const { graph } = client.layer;
    const backing = { name: image, format: 'raw' };
    const filename = join(folder, 'over.qcow2');
    await createImage(graph, { format: 'qcow2', filename, backing });
    await drive(`file=${filename},id=d,copy-on-read=on`);
    const node = graph.reference('d');
    expect((await node.statusHere(0, 65536)).allocated).toBe(false);
    await Promise.all([read('d', 0, 100), read('d', 100, 1000), read('d', 60000, 512)]);
    expect(await node.statusHere(0, 65536)).toMatchObject({ allocated: true, length: 65536 });
  });
});
