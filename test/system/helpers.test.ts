import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import type { JsonObject } from '../../runtime/json/value.js';
import { hmp } from '../../runtime/qmp/hmp.js';
import { MigrationError, migrate } from '../../runtime/qmp/migrate.js';
import { spawnQemu } from '../../runtime/qmp/spawn.js';
import { unplug } from '../../runtime/qmp/unplug.js';
import { describeWithCorpus } from '../corpus.js';
import { compileGenerated } from '../generator/emit/compile.js';
import { generateRelease, RELEASE } from './generated-7.2.js';
import { describeWithPrograms } from './programs.js';

async function machine(...args: string[]) {
  const qemu = await spawnQemu({
    args: ['-machine', 'pc', '-accel', 'tcg', '-display', 'none', '-nodefaults', ...args],
  });
  onTestFinished(async () => void (await qemu.close()));
  return qemu;
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-helpers-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

describeWithPrograms('helpers with a real emulator', ['qemu-system-x86_64'], () => {
  test('unplug waits until a device has gone, whose id can be used again', async () => {
    const { client } = await machine('-device', 'qemu-xhci');
    for (let round = 0; round < 3; round++) {
      await client.execute('device_add', { driver: 'usb-tablet', id: 'tablet' });
      await unplug(client, 'tablet', { timeout: 5000 });
    }
    await expect(unplug(client, 'tablet')).rejects.toMatchObject({ class: 'DeviceNotFound' });
  });

  test('unplug gives up on a guest that does not let its device go', async () => {
    const { client } = await machine('-S', '-device', 'virtio-rng-pci,id=rng');
    await expect(unplug(client, 'rng', { timeout: 200 })).rejects.toThrow(
      'the guest did not release rng within 200 ms',
    );
  });

  test('migrate moves a guest to another emulator', async () => {
    const socket = join(temporaryFolder(), 'migration');
    const target = await machine('-incoming', `unix:${socket}`);
    const source = await machine();
    const resumed = target.client.waitFor('RESUME', undefined, { timeout: 20_000 });
    const seen: unknown[] = [];
    const info = await migrate(source.client, { uri: `unix:${socket}` }, { onProgress: (now) => seen.push(now) });
    expect(info).toMatchObject({ status: 'completed', ram: { transferred: expect.any(Number) } });
    expect(seen.length).toBeGreaterThan(0);
    await resumed;
    // The emulator says that the migration has completed a moment before its machine is in the state that follows.
    const status = () => source.client.execute('query-status');
    await expect.poll(status, { timeout: 20_000 }).toMatchObject({ status: 'postmigrate' });
  });

  test('migrate saves a guest to a file, after a last step', async () => {
    const file = join(temporaryFolder(), 'state');
    const { client } = await machine();
    const pause = { capability: 'pause-before-switchover', state: true };
    await client.execute('migrate-set-capabilities', { capabilities: [pause] });
    const steps: string[] = [];
    await migrate(client, { uri: `exec:cat > ${file}` }, { onPreSwitchover: () => void steps.push('last') });
    expect(steps).toEqual(['last']);
    expect(statSync(file).size).toBeGreaterThan(10_000);
  });

  test('migrate reports why it fails, and the guest goes on', async () => {
    const { client } = await machine();
    const failing = migrate(client, { uri: 'exec:exit 3' });
    await expect(failing).rejects.toThrow(MigrationError);
    await expect(failing).rejects.toMatchObject({ outcome: 'failed' });
    expect(await client.execute('query-status')).toMatchObject({ running: true });
  });

  test('migrate is cancelled by a signal', async () => {
    const { client } = await machine();
    await client.execute('migrate-set-parameters', { 'max-bandwidth': 4096 });
    const signal = AbortSignal.timeout(300);
    await expect(migrate(client, { uri: 'exec:cat > /dev/null' }, { signal })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    expect(await client.execute('query-migrate')).toMatchObject({ status: 'cancelled' });
  });

  test('hmp returns text, of what fails as well', async () => {
    const { client } = await machine('-smp', '2', '-S');
    expect(await hmp(client, 'info status')).toMatch(/^VM status: paused \(prelaunch\)\n$/);
    expect(await hmp(client, 'info nonsense')).toMatch(/\n$/);
    expect(await hmp(client, 'info lapic', { cpu: 1 })).toContain('for CPU 1');
    expect((await client.execute('query-status')) as JsonObject).toMatchObject({ status: 'prelaunch' });
  });
});

describeWithCorpus('helpers with the schema of 7.2', RELEASE, () => {
  let generated: Awaited<ReturnType<typeof generateRelease>>;
  beforeAll(async () => {
    generated = await generateRelease();
  }, 60_000);

  test('helpers fit a client that the schema types', async () => {
    const text = `
      import { connect, hmp, migrate, unplug } from 'qapi-ts/runtime';
      import type { Commands, Events } from '../generated/index.js';
      export async function main(): Promise<string> {
        await using client = await connect<{ commands: Commands; events: Events }>('/run/qmp.sock');
        await unplug(client, 'net0', { timeout: 1000 });
        const { ram, status } = await migrate(client, { uri: 'tcp:x:1' }, { onProgress: ({ ram }) => ram?.remaining });
        // @ts-expect-error no such argument
        await migrate(client, { url: 'tcp:x:1' });
        return status === 'completed' ? await hmp(client, 'info status') : String(ram?.total);
      }
    `;
    expect(await compileGenerated({ generated, program: [{ path: 'main.ts', text }] })).toEqual([]);
  }, 60_000);
});
