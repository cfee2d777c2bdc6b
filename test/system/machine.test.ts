import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { JsonObject } from '../../runtime/json/value.js';
import { connect } from '../../runtime/qmp/client.js';
import { isQmpFailure } from '../../runtime/qmp/error.js';
import { describeWithPrograms } from './programs.js';
import { bundledProgram } from './serve-program.js';
import { startUnixServer } from './unix-server.js';

/* What programs ask that were written for a whole machine, asked of one and of ours. */

const folder = mkdtempSync(join(tmpdir(), 'machine-'));
const image = join(folder, 'disk.qcow2');
let bundled: Awaited<ReturnType<typeof bundledProgram>>;

const virtio = { driver: 'virtio-blk-pci', id: 'vb' };
const peripheral = '/machine/peripheral';
const vb = `${peripheral}/vb`;
const throttled = { bps: 0, bps_rd: 0, bps_wr: 0, iops: 100, iops_rd: 0, iops_wr: 0 };

/** Commands, and whether what they return is compared. */
const requests: readonly (readonly [command: string, args?: JsonObject, compared?: 'result'])[] = [
  ['query-status', {}, 'result'],
  ['stop'],
  ['query-status', {}, 'result'],
  ['stop'],
  ['cont'],
  ['query-status', {}, 'result'],
  ['cont'],
  ['query-name', {}, 'result'],
  ['query-uuid', {}, 'result'],
  ['query-iothreads', {}, 'result'],
  ['query-tpm', {}, 'result'],
  ['query-cpus-fast'],
  ['device_add', { ...virtio, drive: 'disk' }],
  ['device_add', { ...virtio, drive: 'other' }],
  ['device_add', { ...virtio, id: 'second', drive: 'disk' }],
  ['device_add', { ...virtio, id: 'second', drive: 'nope' }],
  ['device_add', { ...virtio, id: 'second' }],
  ['device_add', { driver: 'nope' }],
  ['device_add', { id: 'second' }],
  ['block_set_io_throttle', { id: `${vb}/virtio-backend`, ...throttled }],
  ['block_set_io_throttle', { id: 'vb/virtio-backend', ...throttled }],
  ['block_set_io_throttle', { id: 'nope', ...throttled }],
  ['qom-get', { path: vb, property: 'drive' }, 'result'],
  ['qom-get', { path: 'vb', property: 'drive' }, 'result'],
  ['qom-get', { path: vb, property: 'nope' }],
  ['qom-get', { path: `${peripheral}/nope`, property: 'drive' }],
  ['qom-list', { path: peripheral }, 'result'],
  ['qom-set', { path: vb, property: 'drive', value: 'other' }],
  ['qom-set', { path: vb, property: 'serial', value: 'x' }],
  ['blockdev-del', { 'node-name': 'other' }],
  ['device_del', { id: 'nope' }],
  ['device_del', { id: 'vb' }],
];

interface Disk {
  readonly device: string;
  readonly qdev?: string;
  readonly inserted?: { readonly 'node-name': string; readonly iops: number; readonly iops_max?: number };
}

/** A run state without what later releases do not report any more. */
function withoutOld(state: unknown): unknown {
  const { singlestep: _, ...rest } = state as Record<string, unknown>;
  return rest;
}

/** What is answered to all of it, and the events of the machine. */
async function answers(command: readonly string[], dashes: string): Promise<unknown[]> {
  const socket = join(folder, 'qmp');
  const blockdev = (options: string): string[] => [`${dashes}blockdev`, options];
  const options = [
    ...blockdev(`qcow2,node-name=disk,file.driver=file,file.filename=${image}`),
    ...blockdev('null-co,node-name=other,read-zeroes=on'),
  ];
  const server = await startUnixServer(socket, [...command, ...options], { stdio: 'ignore' });
  const ended = once(server, 'exit');
  const client = await connect(socket);
  const found: unknown[] = [];
  client.on('STOP', () => found.push('STOP'));
  client.on('RESUME', () => found.push('RESUME'));
  client.on('SHUTDOWN', ({ data }) => found.push(data));
  const gone: unknown[] = [];
  client.on('DEVICE_DELETED', ({ data }) => gone.push(data));
  for (const [name, args, compared] of requests) {
    const outcome = await client.execute(name, args).then(
      (result) => (compared === undefined ? 'success' : result),
      (error: unknown) => (isQmpFailure(error) ? error.class : String(error)),
    );
    found.push([name, args, name === 'query-status' ? withoutOld(outcome) : outcome]);
    if (name !== 'qom-list' && name !== 'block_set_io_throttle') continue;
    const disks = (await client.execute('query-block')) as unknown as Disk[];
    found.push(
      disks.map(({ device, qdev, inserted }) => ({
        device,
        qdev,
        node: inserted?.['node-name'],
        iops: inserted?.iops,
        max: inserted?.iops_max,
      })),
    );
  }
  // Without a guest that lets go of it, a device of a machine is gone by a reset.
  await client.execute('system_reset');
  await vi.waitFor(() => expect(gone).toHaveLength(2), { timeout: 20_000 });
  found.push(gone);
  await client.execute('quit');
  await client.close();
  await ended;
  rmSync(socket, { force: true });
  return found;
}

describeWithPrograms("a machine's commands", ['qemu-system-x86_64', 'qemu-img'], () => {
  beforeAll(async () => {
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', image, '4M']);
    bundled = await bundledProgram();
  });
  afterAll(() => {
    bundled.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it('run states, virtual disks and their properties are those of QEMU', async () => {
    const machine = ['qemu-system-x86_64', '-machine', 'pc', '-display', 'none', '-nodefaults'];
    const qmp = join(folder, 'qmp');
    const theirs = await answers([...machine, '-qmp', `unix:${qmp},server=on,wait=off`], '-');
    const ours = await answers([process.execPath, bundled.program, 'serve', '--qmp', `unix:${qmp}`], '--');
    expect(ours).toEqual(theirs);
  }, 60_000);
});
