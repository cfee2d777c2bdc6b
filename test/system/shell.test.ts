import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { build } from 'esbuild';
import { expect, onTestFinished, test } from 'vitest';
import { esbuildHandlebars } from '../../build/handlebars-plugin.mjs';
import { namesOf, propertiesOf } from '../../cli/shell/names.js';
import { connect } from '../../runtime/qmp/client.js';
import { type SpawnedProgram, spawnQemu, spawnStorageDaemon } from '../../runtime/qmp/spawn.js';
import { folderWith, qapiTs } from '../cli/command-line.js';
import { describeWithPrograms } from './programs.js';

async function daemon(): Promise<string> {
  const program: SpawnedProgram<never> = await spawnStorageDaemon();
  onTestFinished(async () => void (await program.close()));
  // A monitor talks to one client at a time.
  await program.client.close();
  return program.socket;
}

describeWithPrograms('a shell for the storage daemon', ['qemu-storage-daemon'], () => {
  test('the shell runs a script', async () => {
    const lines = [
      'blockdev-add driver=null-co node-name=disk0 size=1M',
      'blockdev-add driver=raw node-name=top file=disk0 offset=64K',
      'query-named-block-nodes flat=on',
      'blockdev-del {"node-name": "top"}',
      'blockdev-del node-name=nothing',
      'query-jobs',
    ];
    const { code, stdout, stderr } = await qapiTs(['shell', await daemon()], { stdin: lines.join('\n') });
    const results = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(results).toMatchObject([{}, {}, [{ 'node-name': 'top' }, { 'node-name': 'disk0' }], {}]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: GenericError: .*\nin: blockdev-del node-name=nothing\n$/);
  });

  // The program of util-linux that runs others at a terminal of their own.
  test.skipIf(spawnSync('which', ['script']).status !== 0)('the shell works at a terminal', async () => {
    const socket = await daemon();
    // Beside the packages that it imports.
    const folder = mkdtempSync(join(import.meta.dirname, '../../node_modules/.shell-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const program = join(folder, 'main.mjs');
    await build({
      // What `main.ts` starts, without what it keeps for the next run.
      stdin: {
        contents: "import { runInProcess } from './cli/process.js'; await runInProcess();",
        resolveDir: join(import.meta.dirname, '../..'),
      },
      outfile: program,
      bundle: true,
      format: 'esm',
      platform: 'node',
      plugins: [esbuildHandlebars],
      banner: {
        js: "import { createRequire as make } from 'node:module'; const require = make(import.meta.url);",
      },
    });
    const terminal = spawn('script', ['-qec', `${process.execPath} ${program} shell ${socket}`, '/dev/null'], {
      env: { ...process.env, NO_COLOR: '1', TERM: 'xterm', XDG_STATE_HOME: folderWith({}) },
    });
    onTestFinished(() => void terminal.kill());
    let shown = '';
    terminal.stdout.on('data', (chunk: Buffer) => {
      shown += chunk;
    });
    const sees = async (what: string): Promise<void> => {
      for (let waited = 0; !shown.includes(what); waited += 20) {
        if (waited > 15_000) throw new Error(`${JSON.stringify(what)} is not in ${JSON.stringify(shown)}`);
        await delay(20);
      }
      shown = shown.slice(shown.indexOf(what) + what.length);
    };
    const type = (keys: string): void => void terminal.stdin.write(keys);

    await sees('Connected to QEMU');
    await sees('qmp> ');
    type('blockdev-add driver=null-co node-name=disk0\r');
    await sees('{}');
    type('blockdev-d\t');
    await sees('blockdev-del ');
    type('node-name=\t');
    await sees('disk0');
    type('\r');
    await sees('{}');
    type('exit\r');
    const code = await new Promise((resolve) => terminal.once('close', resolve));
    expect(code).toBe(0);
  });
});

describeWithPrograms('a shell for the emulator', ['qemu-system-x86_64'], () => {
  const machine = 'qemu-system-x86_64 -machine pc -display none -nodefaults -S';

  async function emulator(...args: string[]): Promise<string> {
    const qemu = await spawnQemu({ args: [...machine.split(' ').slice(1), ...args] });
    onTestFinished(async () => void (await qemu.close()));
    await qemu.client.close();
    return qemu.socket;
  }

  test('devices take properties that the schema does not have, of the types that they have', async () => {
    const lines = [
      'device_add driver=virtio-net-pci id=nic mac=52:54:00:12:34:56 addr=5 host_mtu=1500 disable-modern=off',
      'qom-get path=/machine/peripheral/nic property=mac',
      'qom-get path=/machine/peripheral/nic property=host_mtu',
      '!info qtree',
      'device_add driver=virtio-net-pci mca=1',
    ];
    const { stdout, stderr } = await qapiTs(['shell', await emulator()], { stdin: lines.join('\n') });
    expect(stdout.split('\n').slice(0, 4)).toEqual(['{}', '"52:54:00:12:34:56"', '1500', 'bus: main-system-bus']);
    expect(stdout).toMatch(/id "nic".*addr = 05\.0/s);
    expect(stderr).toContain("virtio-net-pci has no property 'mca': did you mean 'mac'?");
  });

  test('names of drivers, buses, devices, objects and lines of HMP are those of the program', async () => {
    const client = await connect(await emulator('-device', 'qemu-xhci,id=usb', '-object', 'rng-random,id=rng0'));
    expect(await namesOf(client, 'driver')).toEqual(expect.arrayContaining(['virtio-net-pci', 'usb-tablet']));
    expect(await namesOf(client, 'bus')).toEqual(expect.arrayContaining(['pci.0', 'usb.0']));
    expect(await namesOf(client, 'device')).toEqual(['usb']);
    expect(await namesOf(client, 'object')).toContain('rng0');
    expect(await namesOf(client, 'chardev')).toEqual(['compat_monitor0']);
    expect(await namesOf(client, 'hmp')).toEqual(
      expect.arrayContaining(['device_add', 'info', 'info block', 'q', 'quit']),
    );
    expect((await propertiesOf(client, 'virtio-net-pci')).get('mac')).toBe('str');
    expect([...(await propertiesOf(client, 'no-such-driver'))]).toEqual([]);
    await client.close();
  });

  test('a transaction is carried out as a whole', async () => {
    const lines = [
      'blockdev-add driver=null-co node-name=n size=1M',
      'transaction(',
      'block-dirty-bitmap-add node=n name=a',
      'block-dirty-bitmap-add node=n name=b granularity=64K',
      ')',
      'query-named-block-nodes',
    ];
    const { code, stdout } = await qapiTs(['shell', await emulator()], { stdin: lines.join('\n') });
    expect(code).toBe(0);
    const [node] = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    expect(node['dirty-bitmaps']).toMatchObject([{ name: 'b', granularity: 65_536 }, { name: 'a' }]);
  });

  test('starts a program, and ends it with itself', async () => {
    const args = ['shell', '--exec', `${machine} -name 'a guest'`];
    const { code, stdout } = await qapiTs([...args, '-x', 'query-name', '-x', '!info status']);
    expect([code, stdout]).toEqual([0, '{"name":"a guest"}\nVM status: paused (prelaunch)\n']);
    expect(spawnSync('pgrep', ['-f', 'name a guest']).stdout.toString()).toBe('');
    const failed = await qapiTs(['shell', '--exec', 'qemu-system-x86_64 -no-such-option', '-x', 'query-name']);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/^error: qemu-system-x86_64 ended with status 1 before .*no-such-option/m);
  });
});
