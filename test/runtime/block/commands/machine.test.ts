import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { XDbgBlockGraph } from '../../../../generated/index.js';
import { readDevice } from '../../../../runtime/block/drive/device.js';
import { readDrive } from '../../../../runtime/block/drive/read-drive.js';
import { NbdClient } from '../../../system/nbd-client.js';
import { LayerClient } from '../layer-client.js';

const folder = mkdtempSync(join(tmpdir(), 'machine-'));
const at = (name: string): string => join(folder, name);
let client: LayerClient;
const execute = (name: string, args: object = {}) => client.execute(name, args);

beforeEach(async () => {
  client = new LayerClient();
  for (const [name, byte] of [
    ['a', 1],
    ['b', 2],
    ['c', 3],
  ] as const) {
    writeFileSync(at(name), Buffer.alloc(65_536, byte));
    if (name === 'c') continue;
    await execute('blockdev-add', { driver: 'file', 'node-name': name, filename: at(name) });
  }
});
afterEach(async () => {
  await client.layer.close();
  rmSync(at('nbd'), { force: true });
});

async function exported(): Promise<NbdClient> {
  await client.layer.addDrive(readDrive(`file=${at('c')},format=raw,id=d`, client.layer.registry));
  await client.layer.addDevice(readDevice('disk,drive=d,id=dev'));
  await execute('nbd-server-start', { addr: { type: 'unix', data: { path: at('nbd') } } });
  await execute('nbd-server-add', { device: 'd', writable: true });
  return NbdClient.connect(at('nbd'), 'd');
}

it('stops and resumes what clients do to devices, and tells of it once', async () => {
  const nbd = await exported();
  expect(await execute('query-status')).toMatchObject({ running: true, status: 'running' });
  await execute('stop');
  await execute('stop');
  expect(await execute('query-status')).toMatchObject({ running: false, status: 'paused' });
  let done = false;
  const write = nbd.write(0, Buffer.alloc(512, 9)).then(() => {
    done = true;
  });
  // What does not come by a device goes on.
  await execute('block-export-add', { type: 'nbd', id: 'e', 'node-name': 'a' });
  const other = await NbdClient.connect(at('nbd'), 'a');
  expect((await other.read(0, 512))[0]).toBe(1);
  expect(done).toBe(false);
  await execute('cont');
  await execute('cont');
  await write;
  expect((await nbd.read(0, 512))[0]).toBe(9);
  expect(client.events.map(({ name }) => name)).toEqual(['STOP', 'RESUME']);
  await other.close();
  await nbd.close();
});

it('puts another node under a device while it is exported, or leaves it where it is', async () => {
  const nbd = await exported();
  const drive = { path: '/machine/peripheral/dev', property: 'drive' };
  expect(await execute('qom-get', drive)).toBe('d');
  await execute('qom-set', { ...drive, value: 'a' });
  expect((await nbd.read(0, 512))[0]).toBe(1);
  await expect(execute('blockdev-del', { 'node-name': 'a' })).rejects.toThrow('in use');
  await expect(execute('qom-set', { ...drive, value: 'nope' })).rejects.toThrow("can't find value 'nope'");
  // A second device may not write what the first one writes.
  await execute('device_add', { driver: 'virtio-blk', id: 'v', drive: 'b' });
  await expect(execute('qom-set', { ...drive, value: 'b' })).rejects.toThrow();
  expect((await nbd.read(0, 512))[0]).toBe(1);
  await nbd.write(0, Buffer.alloc(512, 7));
  await nbd.close();
});

it('adds and removes virtual disks, which queries show', async () => {
  await execute('device_add', { driver: 'virtio-blk-pci', id: 'vb0', drive: 'a', serial: 'x' });
  expect(await execute('query-block')).toMatchObject([
    { device: '', qdev: '/machine/peripheral/vb0/virtio-backend', inserted: { 'node-name': 'a' } },
  ]);
  expect(await execute('qom-list', { path: '/machine/peripheral' })).toEqual([
    { name: 'type', type: 'string' },
    { name: 'vb0', type: 'child<virtio-blk-pci>' },
  ]);
  expect(await execute('qom-get', { path: 'vb0', property: 'drive' })).toBe('a');
  const add = (args: object) => execute('device_add', args);
  await expect(add({ driver: 'virtio-blk', id: 'vb0', drive: 'b' })).rejects.toThrow("Duplicate device ID 'vb0'");
  await expect(add({ driver: 'virtio-blk', id: 'vb1' })).rejects.toThrow('drive property not set');
  await expect(add({ driver: 'virtio-blk', id: 'vb1', drive: 'nope' })).rejects.toThrow(
    "Property 'virtio-blk-device.drive' can't find value 'nope'",
  );
  await expect(add({ driver: 'virtio-net-pci', id: 'n' })).rejects.toThrow('not a valid device model name');
  await expect(add({ driver: 'virtio-blk', id: '1', drive: 'b' })).rejects.toThrow('expects an identifier');
  await expect(execute('blockdev-del', { 'node-name': 'a' })).rejects.toThrow('in use');
  await execute('device_del', { id: '/machine/peripheral/vb0' });
  expect(client.events.slice(-2)).toEqual([
    { name: 'DEVICE_DELETED', data: { path: '/machine/peripheral/vb0/virtio-backend' } },
    { name: 'DEVICE_DELETED', data: { device: 'vb0', path: '/machine/peripheral/vb0' } },
  ]);
  await expect(execute('device_del', { id: 'vb0' })).rejects.toMatchObject({ class: 'DeviceNotFound' });
  expect(await execute('query-block')).toEqual([]);
  await execute('blockdev-del', { 'node-name': 'a' });
});

it('a device that goes takes its drive along, and the jobs that work on that', async () => {
  await client.layer.addDrive(readDrive(`file=${at('c')},format=raw,id=d,node-name=c`, client.layer.registry));
  await execute('device_add', { driver: 'virtio-scsi', id: 'scsi0' });
  await execute('device_add', { driver: 'scsi-hd', id: 'hd', drive: 'd', bus: 'scsi0.0' });
  await execute('blockdev-mirror', { 'job-id': 'm', device: 'd', target: 'a', sync: 'full', speed: 1 });
  await expect(execute('device_add', { driver: 'scsi-hd', id: 'scsi0', drive: 'b' })).rejects.toThrow('Duplicate');
  await execute('device_del', { id: 'hd' });
  const names = client.events.map(({ name }) => name);
  expect(names.indexOf('BLOCK_JOB_CANCELLED')).toBeLessThan(names.indexOf('DEVICE_DELETED'));
  expect(names).toContain('BLOCK_JOB_CANCELLED');
  expect([await execute('query-jobs'), await execute('query-block')]).toEqual([[], []]);
  expect(client.layer.graph.node('c')).toBeUndefined();
  expect(await execute('qom-list', { path: '/machine/peripheral' })).toContainEqual({
    name: 'scsi0',
    type: 'child<virtio-scsi>',
  });
  expect(client.events.filter(({ name }) => name === 'DEVICE_DELETED')).toEqual([
    { name: 'DEVICE_DELETED', data: { device: 'hd', path: '/machine/peripheral/hd' } },
  ]);
  await execute('device_del', { id: '/machine/peripheral/scsi0' });
  expect(client.events.slice(-2).map(({ data }) => data)).toEqual([
    { path: '/machine/peripheral/scsi0/virtio-backend' },
    { device: 'scsi0', path: '/machine/peripheral/scsi0' },
  ]);
  await expect(execute('device_del', { id: 'scsi0' })).rejects.toMatchObject({ class: 'DeviceNotFound' });
});

it('others write to the medium of a drive as long as no device uses it', async () => {
  await client.layer.addDrive(readDrive(`file=${at('c')},format=raw,id=d,node-name=c`, client.layer.registry));
  await execute('nbd-server-start', { addr: { type: 'unix', data: { path: at('nbd') } } });
  const exported = { type: 'nbd', id: 'e', 'node-name': 'c', writable: true };
  await execute('block-export-add', exported);
  await expect(execute('device_add', { driver: 'scsi-hd', drive: 'd' })).rejects.toThrow('Permission conflict');
  expect(await execute('query-block')).not.toMatchObject([{ qdev: expect.anything() }]);
  await execute('block-export-del', { id: 'e' });
  await execute('device_add', { driver: 'scsi-hd', drive: 'd', 'write-cache': 'off', werror: 'stop' });
  expect(await execute('query-block')).toMatchObject([{ inserted: { cache: { writeback: false } } }]);
  await expect(execute('block-export-add', exported)).rejects.toThrow('Permission conflict');
});

it('a reset lets go of what a guest has locked, and sends its event', async () => {
  await client.layer.addDrive(readDrive('id=cd', client.layer.registry));
  await client.layer.addDevice(readDevice('cdrom,drive=cd,id=dev,locked=on'));
  await execute('system_reset');
  expect(client.events.at(-1)).toEqual({ name: 'RESET', data: { guest: false, reason: 'host-qmp-system-reset' } });
  expect(await execute('query-block')).toMatchObject([{ device: 'cd', locked: false }]);
});

it('a line of qemu-io finds a device by its path', async () => {
  await execute('device_add', { driver: 'scsi-hd', id: 'hd', drive: 'a' });
  for (const name of ['hd', '/machine/peripheral/hd']) {
    const line = `qemu-io -d ${name} "write -P 5 0 512"`;
    expect(await execute('human-monitor-command', { 'command-line': line })).toContain('wrote 512/512');
  }
});

it('answers what programs ask a whole machine', async () => {
  expect(await execute('query-uuid')).toEqual({ UUID: '00000000-0000-0000-0000-000000000000' });
  for (const name of ['query-tpm', 'query-tpm-models', 'query-tpm-types', 'query-cpus-fast', 'query-iothreads']) {
    expect({ name, result: await execute(name) }).toEqual({ name, result: [] });
  }
  await execute('object-add', { 'qom-type': 'iothread', id: 'io' });
  const io = { id: 'io', 'poll-max-ns': 32_768, 'poll-grow': 2, 'poll-shrink': 2, 'poll-weight': 3 };
  expect(await execute('query-iothreads')).toMatchObject([io]);
});

it('a device that a drive gets while a job runs keeps others from writing to the medium', async () => {
  await client.layer.addDrive(readDrive(`file=${at('c')},format=raw,id=d,if=none`, client.layer.registry));
  await execute('blockdev-backup', {
    device: 'd',
    target: 'a',
    sync: 'none',
    'job-id': 'j',
    'filter-node-name': 'filter',
  });
  const shared = async (): Promise<unknown> => {
    const { nodes, edges } = (await execute('x-debug-query-block-graph')) as XDbgBlockGraph;
    const drive = nodes.find(({ name }) => name === 'd');
    return edges.find(({ parent }) => parent === drive?.id)?.['shared-perm'];
  };
  expect(await shared()).toContain('write');
  await execute('device_add', { driver: 'virtio-blk', drive: 'd', id: 'v' });
  expect(await shared()).not.toContain('write');
});
