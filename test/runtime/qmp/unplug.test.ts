import { describe, expect, expectTypeOf, test } from 'vitest';
import type { JsonObject } from '../../../runtime/json/value.js';
import { connect, type QmpClient } from '../../../runtime/qmp/client.js';
import { QmpError } from '../../../runtime/qmp/error.js';
import { QmpConnectionError, QmpTimeoutError } from '../../../runtime/qmp/failure.js';
import { backOff } from '../../../runtime/qmp/reconnect.js';
import { UnplugError, unplug } from '../../../runtime/qmp/unplug.js';
import { connected, FakeServer, place } from './fake-server.js';

const PATH = '/machine/peripheral/net0';

/** Unplugs a device from a server that sends some events once it has been asked to. */
async function unplugging(device: string, ...events: (readonly [name: string, data: JsonObject])[]) {
  const { client, server } = await connected();
  const gone = unplug(client, device, { timeout: 50 });
  gone.catch(() => {});
  await server.until(1);
  for (const [name, data] of events) server.event(name, data);
  return { gone, server };
}

describe('unplug', () => {
  test('ends with the event of the device, and not with those of others or of its parts', async () => {
    const { gone, server } = await unplugging(
      'net0',
      ['DEVICE_DELETED', { path: `${PATH}/virtio-backend` }],
      ['DEVICE_DELETED', { device: 'net00', path: `${PATH}0` }],
      ['DEVICE_UNPLUG_GUEST_ERROR', { device: 'other', path: '/machine/peripheral/other' }],
    );
    await expect(gone).rejects.toThrow(new QmpTimeoutError('the guest did not release net0 within 50 ms'));
    expect(server.received).toMatchObject([{ execute: 'device_del', arguments: { id: 'net0' } }]);
    await (await unplugging('net0', ['DEVICE_DELETED', { device: 'net0', path: PATH }])).gone;
  });

  test.each([
    ['net0', { path: PATH }],
    [PATH, { device: 'net0', path: PATH }],
    ['/machine/peripheral-anon/device[1]', { path: '/machine/peripheral-anon/device[1]' }],
  ])('finds %s by its path', async (device, data) => {
    await (await unplugging(device, ['DEVICE_DELETED', data])).gone;
  });

  test.each([
    ['DEVICE_UNPLUG_GUEST_ERROR', { device: 'net0', path: PATH }, 'the guest did not release net0'],
    ['DEVICE_UNPLUG_GUEST_ERROR', { path: PATH }, 'the guest did not release net0'],
    ['MEM_UNPLUG_ERROR', { device: 'net0', msg: 'in use' }, 'the guest did not release net0: in use'],
  ])('rejects when the guest refuses by %s', async (name, data, message) => {
    const { gone } = await unplugging('net0', [name, data]);
    await expect(gone).rejects.toThrow(UnplugError);
    await expect(gone).rejects.toMatchObject({ message, device: 'net0' });
  });

  test('rejects when there is no such device, and when the client is closed', async () => {
    const { client } = await connected({}, () => ({
      error: { class: 'DeviceNotFound', desc: "Device 'x' not found" },
    }));
    await expect(unplug(client, 'x')).rejects.toThrow(QmpError);
    const other = await connected();
    const gone = unplug(other.client, 'net0');
    gone.catch(() => {});
    await other.server.until(1);
    await new Promise(setImmediate);
    await other.client.close();
    await expect(gone).rejects.toThrow(new QmpConnectionError('the client was closed before net0 had gone'));
  });

  test.each([
    ['has gone while there was no connection', [{ name: 'disk0' }], true],
    ['is still there after a new connection', [{ name: 'net0' }, { name: 'disk0' }], false],
  ])('asks for a device that %s', async (_, devices, isGone) => {
    const first = new FakeServer();
    const second = new FakeServer(() => ({ return: devices }));
    const client = await connect(place(first, second).open, { reconnect: backOff({ initialDelay: 1 }) });
    const gone = unplug(client, 'net0', { timeout: 5000 });
    await first.until(1);
    await new Promise(setImmediate);
    first.end();
    await second.until(1);
    expect(second.received).toMatchObject([{ execute: 'qom-list', arguments: { path: '/machine/peripheral' } }]);
    if (!isGone) second.event('DEVICE_DELETED', { device: 'net0', path: PATH });
    await gone;
    await client.close();
  });

  test('takes clients of schemas that have what it needs', () => {
    interface With {
      commands: { device_del: { arguments: { id: string }; returns: undefined } };
      events: { DEVICE_DELETED: { data: { device?: string; path: string } } };
    }
    interface Without {
      commands: { 'query-jobs': { arguments: undefined; returns: [] } };
      events: { DEVICE_DELETED: { data: { path: string } } };
    }
    const never = (_: () => unknown): void => {};
    never(() => expectTypeOf(unplug(undefined as unknown as QmpClient<With>, 'x')).toEqualTypeOf<Promise<void>>());
    // @ts-expect-error it has no device_del
    never(() => unplug(undefined as unknown as QmpClient<Without>, 'x'));
  });
});
