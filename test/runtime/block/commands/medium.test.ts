import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BlockInfo } from '../../../../generated/index.js';
import type { Backend } from '../../../../runtime/block/backend/backend.js';
import {
  type DeviceKind,
  type DeviceOptions,
  VirtualDevice,
} from '../../../../runtime/block/backend/virtual-device.js';
import { readDrive } from '../../../../runtime/block/drive/read-drive.js';
import { LayerClient } from '../layer-client.js';

let folder: string;
let client: LayerClient;

const image = (name: string): string => join(folder, name);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'medium-'));
  for (const name of ['a', 'b']) await writeFile(image(name), Buffer.alloc(8192, name));
  client = new LayerClient();
});

afterEach(async () => {
  await client.layer.close();
  await rm(folder, { recursive: true });
});

/** A drive with the image `a`, or an empty one, and perhaps a device. */
async function addDrive(id: string, options = `,file=${image('a')},format=raw`): Promise<Backend> {
  await client.layer.addDrive(readDrive(`id=${id},if=none${options}`, client.layer.registry));
  return client.layer.backend(id) as Backend;
}

async function addDevice(kind: DeviceKind, options?: Partial<DeviceOptions>, drive?: string): Promise<Backend> {
  const backend = await addDrive('d0', drive);
  backend.device = new VirtualDevice({ kind, id: 'dev', ...options });
  return backend;
}

const addNode = (name: string, file: string): Promise<unknown> =>
  client.execute('blockdev-add', {
    options: { driver: 'raw', 'node-name': name, file: { driver: 'file', filename: image(file) } },
  });

async function shown(device = 'd0'): Promise<BlockInfo> {
  const infos = (await client.execute('query-block')) as BlockInfo[];
  return infos.find((info) => info.device === device) as BlockInfo;
}

const nodes = (): string[] => [...client.layer.graph.nodes].map(({ name }) => name);

/** The moves of trays since last asked. */
const moves = (): unknown[] => client.events.splice(0).map(({ name, data }) => [name, data]);
const moved = (open: boolean, device = 'd0', id = 'dev') => ['DEVICE_TRAY_MOVED', { device, id, 'tray-open': open }];

const refused = (text: string | RegExp, type = 'GenericError') =>
  expect.objectContaining({
    class: type,
    message: typeof text === 'string' ? text : expect.stringMatching(text),
  });

const mediumCommands = [
  ['blockdev-open-tray', {}],
  ['blockdev-close-tray', {}],
  ['x-blockdev-remove-medium', {}],
  ['x-blockdev-insert-medium', { 'node-name': 'missing' }],
  ['blockdev-change-medium', { filename: 'nowhere' }],
  ['eject', {}],
] as const;

describe('every command for media', () => {
  it.each(mediumCommands)('%s wants exactly one name of a device that exists', async (command, args) => {
    await addDevice('cdrom');
    for (const names of [{}, { device: 'd0', id: 'dev' }]) {
      await expect(client.execute(command, { ...args, ...names })).rejects.toThrow(refused(/^Exactly one of/));
    }
    for (const names of [{ device: 'dev' }, { id: 'd0' }]) {
      const [name] = Object.values(names);
      const text = `Device '${name}' not found`;
      await expect(client.execute(command, { ...args, ...names })).rejects.toThrow(refused(text, 'DeviceNotFound'));
    }
  });

  it.each([
    ['blockdev-open-tray', {}],
    ['blockdev-close-tray', {}],
    ['x-blockdev-remove-medium', {}],
    ['x-blockdev-insert-medium', { 'node-name': 'n' }],
    ['eject', { force: true }],
  ])('%s is refused for a disk', async (command, args) => {
    await addDevice('disk');
    await addNode('n', 'b');
    await expect(client.execute(command, { device: 'd0', ...args })).rejects.toThrow(
      refused("Device 'd0' is not removable"),
    );
  });
});

describe('the tray', () => {
  it('opens and closes the tray, and emits an event when it moves', async () => {
    await addDevice('cdrom');
    await client.execute('blockdev-open-tray', { id: 'dev' });
    await client.execute('blockdev-open-tray', { device: 'd0' });
    expect(moves()).toEqual([moved(true)]);
    expect(await shown()).toMatchObject({ tray_open: true, removable: true, inserted: { ro: false } });
    await client.execute('blockdev-close-tray', { device: 'd0' });
    await client.execute('blockdev-close-tray', { id: 'dev' });
    expect(moves()).toEqual([moved(false)]);
    expect(await shown()).toMatchObject({ tray_open: false });
  });

  it('closes the tray without a medium', async () => {
    await addDevice('cdrom', {}, '');
    await client.execute('blockdev-open-tray', { device: 'd0' });
    await client.execute('blockdev-close-tray', { device: 'd0' });
    expect(moves()).toEqual([moved(true), moved(false)]);
  });

  it('leaves a tray closed that the guest keeps closed, asks the guest, and succeeds', async () => {
    const asked: boolean[] = [];
    await addDevice('cdrom', { locked: true, onEjectRequest: (force) => asked.push(force) });
    await client.execute('blockdev-open-tray', { device: 'd0' });
    expect(await shown()).toMatchObject({ tray_open: false, locked: true });
    expect([asked, moves()]).toEqual([[false], []]);
    await client.execute('blockdev-open-tray', { device: 'd0', force: true });
    expect(await shown()).toMatchObject({ tray_open: true, locked: false });
    expect([asked, moves()]).toEqual([[false, true], [moved(true)]]);
  });

  it.each(['floppy', undefined] as const)('succeeds for a device without a tray: %s', async (kind) => {
    if (kind === undefined) await addDrive('d0');
    else await addDevice(kind);
    await client.execute('blockdev-open-tray', { device: 'd0' });
    await client.execute('blockdev-close-tray', { device: 'd0' });
    expect(await shown()).not.toHaveProperty('tray_open');
    expect(moves()).toEqual([]);
  });
});

describe('a medium', () => {
  it('removes and inserts a medium while the tray is open', async () => {
    await addDevice('cdrom');
    await addNode('n', 'b');
    await expect(client.execute('x-blockdev-remove-medium', { id: 'dev' })).rejects.toThrow(
      refused("Tray of device 'dev' is not open"),
    );
    await expect(client.execute('x-blockdev-insert-medium', { device: 'd0', 'node-name': 'n' })).rejects.toThrow(
      refused("Tray of device 'd0' is not open"),
    );
    await client.execute('blockdev-open-tray', { device: 'd0' });
    await expect(client.execute('x-blockdev-insert-medium', { device: 'd0', 'node-name': 'n' })).rejects.toThrow(
      refused("There already is a medium in device 'd0'"),
    );
    const before = nodes().length;
    await client.execute('x-blockdev-remove-medium', { device: 'd0' });
    await client.execute('x-blockdev-remove-medium', { device: 'd0' });
    // Nothing else held the image of the drive: it is closed with its file.
    expect(nodes()).toHaveLength(before - 2);
    await client.execute('x-blockdev-insert-medium', { device: 'd0', 'node-name': 'n' });
    await client.execute('blockdev-close-tray', { device: 'd0' });
    expect(await shown()).toMatchObject({ inserted: { 'node-name': 'n' } });
    const buffer = Buffer.alloc(1);
    await client.layer.backend('d0')?.read(0, buffer);
    expect(buffer.toString()).toBe('b');
  });

  it('keeps a node of blockdev-add in the hands of the monitor, and in use while it is inserted', async () => {
    await addDrive('d0', '');
    await addNode('n', 'b');
    await client.execute('x-blockdev-insert-medium', { device: 'd0', 'node-name': 'n' });
    await expect(client.execute('x-blockdev-del', { 'node-name': 'n' })).rejects.toThrow(refused(/^Node n is in use/));
    await client.execute('x-blockdev-remove-medium', { device: 'd0' });
    expect(nodes()).toContain('n');
    await client.execute('x-blockdev-del', { 'node-name': 'n' });
    expect(nodes()).toEqual([]);
  });

  it('checks the medium before the device: it must exist, and not be in use', async () => {
    await addDevice('disk');
    await addDrive('d1', '');
    await addNode('n', 'b');
    await client.execute('x-blockdev-insert-medium', { device: 'd1', 'node-name': 'n' });
    await expect(client.execute('x-blockdev-insert-medium', { device: 'd0', 'node-name': 'm' })).rejects.toThrow(
      refused("Node 'm' not found"),
    );
    await expect(client.execute('x-blockdev-insert-medium', { device: 'd0', 'node-name': 'n' })).rejects.toThrow(
      refused(/^Node 'n' is already in use/),
    );
  });

  it('informs a device without a tray when a medium comes or goes', async () => {
    const loads: boolean[] = [];
    await addDevice('floppy', { onMediumChange: (loaded) => loads.push(loaded) });
    await addNode('n', 'b');
    await client.execute('eject', { device: 'd0' });
    await client.execute('x-blockdev-insert-medium', { device: 'd0', 'node-name': 'n' });
    expect(loads).toEqual([false, true]);
    expect(moves()).toEqual([]);
  });

  it('refuses to remove a medium that is in use', async () => {
    const backend = await addDevice('cdrom');
    const node = client.layer.graph.mediumOf(backend);
    node?.blockers.add({ reason: 'a job uses it', operations: new Set(['eject']) });
    await expect(client.execute('eject', { device: 'd0' })).rejects.toThrow(refused(/is busy: a job uses it$/));
    expect((await shown()).inserted).toBeDefined();
  });

  it('waits for requests in flight before it removes a medium', async () => {
    const backend = await addDrive('d0');
    const buffers = Array.from({ length: 8 }, () => Buffer.alloc(8192));
    const reads = Promise.all(buffers.map((buffer) => backend.read(0, buffer)));
    await client.execute('eject', { device: 'd0' });
    await reads;
    expect(buffers.every((buffer) => buffer.equals(Buffer.alloc(8192, 'a')))).toBe(true);
    await expect(backend.read(0, Buffer.alloc(1))).rejects.toThrow(expect.objectContaining({ code: 'ENOMEDIUM' }));
  });

  it('removes the exports of a device with its medium', async () => {
    await addDrive('d0');
    await client.execute('nbd-server-start', { addr: { type: 'unix', data: { path: join(folder, 'socket') } } });
    await client.execute('nbd-server-add', { device: 'd0' });
    await client.execute('eject', { device: 'd0' });
    await client.execute('blockdev-change-medium', { device: 'd0', filename: image('b'), format: 'raw' });
    // The name is free again.
    await client.execute('nbd-server-add', { device: 'd0' });
  });
});

describe('eject', () => {
  it('opens the tray and removes the medium, if that has not been done', async () => {
    await addDevice('cdrom');
    await client.execute('eject', { id: 'dev' });
    await client.execute('eject', { id: 'dev' });
    expect(moves()).toEqual([moved(true)]);
    const info = await shown();
    expect(info).toMatchObject({ tray_open: true });
    expect(info).not.toHaveProperty('inserted');
  });

  it('fails while the guest keeps the tray closed, unless it is forced', async () => {
    const asked: boolean[] = [];
    await addDevice('cdrom', { locked: true, onEjectRequest: (force) => asked.push(force) });
    await expect(client.execute('eject', { device: 'd0' })).rejects.toThrow(
      refused(/^Device 'd0' is locked and force was not specified, /),
    );
    expect(asked).toEqual([false]);
    expect((await shown()).inserted).toBeDefined();
    await client.execute('eject', { device: 'd0', force: true });
    expect(await shown()).not.toHaveProperty('inserted');
  });

  it('ejects the medium of a drive without a device', async () => {
    await addDrive('d0');
    await client.execute('eject', { device: 'd0' });
    expect(await shown()).toEqual({ device: 'd0', type: 'unknown', removable: true, locked: false });
  });
});

describe('blockdev-change-medium', () => {
  it('opens the tray, exchanges the medium and closes the tray', async () => {
    await addDevice('cdrom');
    await client.execute('blockdev-change-medium', { id: 'dev', filename: image('b'), format: 'raw' });
    expect(moves()).toEqual([moved(true), moved(false)]);
    expect(await shown()).toMatchObject({ tray_open: false, inserted: { file: image('b'), drv: 'raw' } });
    expect(nodes()).toHaveLength(2);
  });

  it('opens the new image with the flags of the last one, and read-only only if asked to', async () => {
    await addDrive('d0', `,file=${image('a')},format=raw,read-only=on,cache=unsafe,detect-zeroes=unmap,discard=unmap`);
    const change = (args: object) => client.execute('blockdev-change-medium', { device: 'd0', format: 'raw', ...args });
    await change({ filename: image('b') });
    expect((await shown()).inserted).toMatchObject({
      ro: true,
      detect_zeroes: 'on',
      cache: { writeback: true, direct: false, 'no-flush': true },
    });
    await change({ filename: image('a'), 'read-only-mode': 'read-write' });
    expect((await shown()).inserted).toMatchObject({ ro: false });
    await client.execute('eject', { device: 'd0' });
    await change({ filename: image('b'), 'read-only-mode': 'retain' });
    expect((await shown()).inserted).toMatchObject({ ro: false });
    await change({ filename: image('b'), 'read-only-mode': 'read-only' });
    expect((await shown()).inserted).toMatchObject({ ro: true, detect_zeroes: 'on' });
  });

  it('opens the medium of an empty drive as that was configured', async () => {
    await addDrive('d0', ',read-only=on,detect-zeroes=on');
    await client.execute('change', { device: 'd0', target: image('b') });
    expect((await shown()).inserted).toMatchObject({
      file: image('b'),
      drv: 'raw',
      ro: true,
      detect_zeroes: 'on',
    });
  });

  it('keeps copying on read, except for a read-only medium', async () => {
    const backend = await addDrive('d0', `,file=${image('a')},format=raw,copy-on-read=on`);
    const copying = () => (client.layer.graph.mediumOf(backend)?.requests.copyOnRead ?? 0) > 0;
    const change = (mode: string) =>
      client.execute('blockdev-change-medium', { device: 'd0', filename: image('b'), 'read-only-mode': mode });
    await change('read-only');
    expect(copying()).toBe(false);
    await change('read-write');
    expect(copying()).toBe(true);
  });

  it('leaves everything as it was when the image cannot be opened', async () => {
    await addDevice('cdrom');
    const before = [await shown(), nodes()];
    for (const args of [{ filename: image('none') }, { filename: image('b'), format: 'qcow2' }]) {
      await expect(client.execute('blockdev-change-medium', { device: 'd0', ...args })).rejects.toThrow();
    }
    expect([await shown(), nodes()]).toEqual(before);
    expect(moves()).toEqual([]);
  });

  it('leaves everything as it was when the guest keeps the tray closed', async () => {
    await addDevice('cdrom', { locked: true });
    const before = [await shown(), nodes()];
    await expect(client.execute('change', { device: 'd0', target: image('b'), arg: 'raw' })).rejects.toThrow(
      refused(/^Device 'd0' is locked/),
    );
    expect([await shown(), nodes()]).toEqual(before);
  });

  it('refuses to change the medium of a disk, and closes the image that it had opened', async () => {
    await addDevice('disk');
    const before = nodes();
    await expect(
      client.execute('blockdev-change-medium', { device: 'd0', filename: image('b'), format: 'raw' }),
    ).rejects.toThrow(refused("Device 'd0' is not removable"));
    expect(nodes()).toEqual(before);
  });
});

describe('change', () => {
  it('refuses to change displays', async () => {
    await expect(client.execute('change', { device: 'vnc', target: 'password' })).rejects.toThrow(refused(/display/));
  });

  it('refuses a device that does not exist', async () => {
    await expect(client.execute('change', { device: 'd9', target: image('b') })).rejects.toThrow(
      refused("Device 'd9' not found", 'DeviceNotFound'),
    );
  });
});
