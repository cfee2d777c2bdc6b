import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Duplex } from 'node:stream';
import { build } from 'esbuild';
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { connect } from '../../runtime/qmp/client.js';
import type { EndOptions } from '../../runtime/qmp/end-program.js';
import { spawnQemu, spawnStorageDaemon } from '../../runtime/qmp/spawn.js';
import { powerButtonGuest, stubbornGuest } from './power-button-guest.js';
import { describeWithPrograms } from './programs.js';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-end-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

describeWithPrograms('a guest', ['qemu-system-x86_64'], () => {
  async function machine(guest: Buffer, options: EndOptions, ...args: string[]) {
    const disk = join(temporaryFolder(), 'disk');
    writeFileSync(disk, Buffer.concat([guest, Buffer.alloc(1440 * 1024 - 512)]));
    const floppy = `if=floppy,format=raw,file=${disk}`;
    const qemu = await spawnQemu({
      args: ['-machine', 'pc', '-accel', 'tcg', '-display', 'none', '-nodefaults', '-drive', floppy, ...args],
      ...options,
    });
    onTestFinished(async () => void qemu.process.kill('SIGKILL'));
    return qemu;
  }

  /** Presses the button again and again: the guest sees it once it has booted. */
  async function powerDown(qemu: Awaited<ReturnType<typeof machine>>) {
    const booted = qemu.client.waitFor('SHUTDOWN', undefined, { timeout: 20_000 });
    const closing = qemu.close();
    const button = setInterval(() => void qemu.client.execute('system_powerdown').catch(() => {}), 200);
    const { data } = await booted;
    clearInterval(button);
    return { data, exit: await closing };
  }

  test('shuts down when it is asked to, before its program ends', async () => {
    const { data, exit } = await powerDown(await machine(powerButtonGuest(), { endBy: 'powerdown' }));
    expect(data).toMatchObject({ guest: true, reason: 'guest-shutdown' });
    expect(exit).toEqual({ code: 0, signal: null });
  });

  test('shuts down in a program that stays, which then is asked to quit', async () => {
    const qemu = await machine(powerButtonGuest(), { endBy: 'powerdown' }, '-no-shutdown');
    const { data, exit } = await powerDown(qemu);
    expect(data).toMatchObject({ reason: 'guest-shutdown' });
    expect(exit).toEqual({ code: 0, signal: null });
  });

  test('loses its program in time when it does not shut down', async () => {
    const qemu = await machine(stubbornGuest(), { endBy: 'powerdown', powerdownTimeout: 300 });
    const shutdown = qemu.client.waitFor('SHUTDOWN', undefined, { timeout: 10_000 });
    const since = Date.now();
    expect(await qemu.close()).toEqual({ code: 0, signal: null });
    expect(Date.now() - since).toBeGreaterThan(290);
    expect((await shutdown).data).toMatchObject({ guest: false, reason: 'host-qmp-quit' });
  });
});

describe('a program that does not quit', () => {
  /** A program that listens as QEMU would, and answers every command but does nothing. */
  function programThat(onTerminate: string): string {
    const path = join(temporaryFolder(), 'program');
    const greeting =
      '{"QMP": {"version": {"qemu": {"major": 1, "minor": 0, "micro": 0}, "package": ""}, "capabilities": []}}';
    const text = `#!${process.execPath}
      const [, path] = /path=([^,]*)/.exec(process.argv.join(' '));
      process.on('SIGTERM', () => { ${onTerminate} });
      require('node:net').createServer((socket) => {
        socket.write('${greeting}\\n');
        socket.on('error', () => {});
        socket.on('data', (data) => socket.write(JSON.stringify({ return: {}, id: JSON.parse(data).id }) + '\\n'));
      }).listen(path);`;
    writeFileSync(path, text);
    chmodSync(path, 0o700);
    return path;
  }

  test('gets SIGTERM, and leaves no socket behind', async () => {
    const daemon = await spawnStorageDaemon({ program: programThat('process.exit(7)'), quitTimeout: 100 });
    expect(await daemon.close()).toEqual({ code: 7, signal: null });
    expect(existsSync(dirname(daemon.socket))).toBe(false);
  });

  test('gets SIGKILL when it does not care, after the times that the call gives', async () => {
    const daemon = await spawnStorageDaemon({ program: programThat('') });
    const since = Date.now();
    const [one, other] = [daemon.close({ quitTimeout: 100, terminateTimeout: 200 }), daemon.close()];
    expect(await one).toEqual({ code: null, signal: 'SIGKILL' });
    expect(await other).toEqual({ code: null, signal: 'SIGKILL' });
    expect(Date.now() - since).toBeGreaterThan(290);
    expect(Date.now() - since).toBeLessThan(4000);
  });
});

describeWithPrograms('a program that was started', ['qemu-storage-daemon', 'qemu-system-x86_64'], () => {
  test('ends at once although its client has been closed', async () => {
    const daemon = await spawnStorageDaemon();
    await daemon.client.close();
    const since = Date.now();
    await daemon.close();
    expect(Date.now() - since).toBeLessThan(4500);
  });

  test('does not make this process warn of listeners, however many there are', async () => {
    const warnings: Error[] = [];
    const warn = (warning: Error): unknown => warnings.push(warning);
    process.on('warning', warn);
    onTestFinished(() => void process.off('warning', warn));
    const before = process.listenerCount('exit');
    const daemons = await Promise.all(Array.from({ length: 12 }, () => spawnStorageDaemon()));
    expect(process.listenerCount('exit')).toBe(before + 1);
    await Promise.all(daemons.map((daemon) => daemon.close()));
    expect(process.listenerCount('exit')).toBe(before);
    expect(warnings).toEqual([]);
  });

  test('inherits file descriptors, which commands name', async () => {
    const image = join(temporaryFolder(), 'image');
    writeFileSync(image, Buffer.alloc(1024 * 1024));
    const fd = openSync(image, 'r+');
    rmSync(image);
    await using qemu = await spawnQemu({
      args: ['-machine', 'none', '-display', 'none', '-nodefaults', '-add-fd', 'fd=3,set=1,opaque=image'],
      stdio: ['ignore', 'ignore', 'pipe', fd],
    });
    expect(await qemu.client.execute('query-fdsets')).toMatchObject([{ 'fdset-id': 1, fds: [{ opaque: 'image' }] }]);
    const file = { driver: 'file', 'node-name': 'disk', filename: '/dev/fdset/1' };
    await qemu.client.execute('blockdev-add', file);
    expect(await qemu.client.execute('query-named-block-nodes')).toMatchObject([
      { image: { 'virtual-size': 1024 * 1024 } },
    ]);
  });

  test('listens for commands at a socket that it inherits', async () => {
    const child = spawn('qemu-storage-daemon', ['--chardev', 'socket,id=m,fd=3', '--monitor', 'chardev=m'], {
      stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    });
    await using client = await connect(child.stdio[3] as Duplex);
    expect(await client.execute('query-jobs')).toEqual([]);
    await client.execute('quit');
    await once(child, 'exit');
  });

  test('reports what cannot be inherited, and leaves nothing behind', async () => {
    const before = await readdir(tmpdir());
    await expect(spawnStorageDaemon({ stdio: ['ignore', 'ignore', 'pipe', 'nonsense' as 'pipe'] })).rejects.toThrow(
      /nonsense/,
    );
    expect((await readdir(tmpdir())).filter((name) => /^qapi-ts-.{6}$/.test(name) && !before.includes(name))).toEqual(
      [],
    );
  });

  describe('by a process that ends', () => {
    let parent: string;
    beforeAll(async () => {
      parent = join(import.meta.dirname, '../../node_modules/.cache/qapi-ts', `parent-${process.pid}.mjs`);
      await build({
        stdin: {
          contents: `
            import { spawnStorageDaemon } from './runtime/index.js';
            const daemon = await spawnStorageDaemon();
            if (process.argv[3]) process.once(process.argv[3], () => setTimeout(() => process.exit(3), 2000));
            console.log(JSON.stringify({ pid: daemon.process.pid, socket: daemon.socket }));
            if (process.argv[2] === 'exit') process.exit();
            if (process.argv[2] === 'throw') throw new Error('a fault');`,
          resolveDir: join(import.meta.dirname, '../..'),
        },
        outfile: parent,
        bundle: true,
        format: 'esm',
        platform: 'node',
      });
      return () => rmSync(parent);
    });

    const isAlive = (pid: number): boolean => {
      try {
        process.kill(pid, 0);
        return true;
      } catch {
        return false;
      }
    };

    async function run(...args: string[]) {
      const child = spawn(process.execPath, [parent, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
      const exit = once(child, 'exit');
      const [line] = await once(child.stdout, 'data');
      const { pid, socket } = JSON.parse(line) as { pid: number; socket: string };
      return { child, exit, pid, socket };
    }

    async function isGone({ pid, socket }: { pid: number; socket: string }): Promise<void> {
      await vi.waitFor(() => expect([isAlive(pid), existsSync(dirname(socket))]).toEqual([false, false]), 8000);
    }

    test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const)(
      'neither it nor its socket outlives %s',
      async (signal) => {
        const running = await run('wait');
        expect(isAlive(running.pid)).toBe(true);
        running.child.kill(signal);
        expect(await running.exit).toEqual([null, signal]);
        await isGone(running);
      },
    );

    test.each(['exit', 'throw'])('neither it nor its socket outlives one that ends by %s', async (how) => {
      const running = await run(how);
      await running.exit;
      await isGone(running);
    });

    test('it goes on while its parent still has to do', async () => {
      const running = await run('wait', 'SIGTERM');
      running.child.kill('SIGTERM');
      await new Promise((resolve) => setTimeout(resolve, 150));
      expect(isAlive(running.pid)).toBe(true);
      expect(await running.exit).toEqual([3, null]);
      await isGone(running);
    });
  });
});
