import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { describeWithPrograms } from './programs.js';
import { bundledProgram } from './serve-program.js';
import { startUnixServer } from './unix-server.js';

/*
 * A client in another language, started with the same options and given the same commands for the storage daemon and for ours.
 */

let bundled: Awaited<ReturnType<typeof bundledProgram>>;

/** What the client finds with a server that is started by some words and the options of the storage daemon. */
async function findings(command: string, ...before: string[]): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'python-recipes-'));
  const at = (name: string): string => join(folder, name);
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', at('disk.qcow2'), '16M']);
  const options = [
    ...['--chardev', `socket,id=c,path=${at('qmp')},server=on,wait=off`, '--monitor', 'c'],
    ...['--nbd-server', `addr.type=unix,addr.path=${at('nbd')}`],
    ...['--blockdev', `qcow2,node-name=disk,file.driver=file,file.filename=${at('disk.qcow2')}`],
    ...['--export', 'nbd,id=disk,node-name=disk,writable=on'],
  ];
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const server = await startUnixServer(at('qmp'), [command, ...before, ...options], { stdio: 'ignore' });
  const script = join(import.meta.dirname, 'backup_recipes.py');
  const ended = once(server, 'exit');
  const { stdout } = await promisify(execFile)('python3', [script, at('qmp'), at('nbd'), folder]);
  expect(await ended).toEqual([0, null]);
  return JSON.parse(stdout);
}

describeWithPrograms('a client in Python', ['python3', 'qemu-storage-daemon', 'qemu-img', 'qemu-io', 'nbdinfo'], () => {
  beforeAll(async () => {
    bundled = await bundledProgram();
  });
  afterAll(() => bundled.remove());

  it('makes full and incremental backups, and reads the disk of one moment, as with the storage daemon', async () => {
    const found = await findings(process.execPath, bundled.program, 'serve');
    expect(found).toEqual({
      'full length': 16_777_216,
      'full is the disk': true,
      'increment length': 196_608,
      'increment is the disk': true,
      'bytes in the increment': 196_608,
      'the moment stays': true,
      'the moment is the increment': true,
      'export deleted': 'moment',
      pulled: [[0, 2_097_152]],
      'pulled of the moment': true,
      next: [['next', 131_072]],
      nodes: 2,
    });
    expect(await findings('qemu-storage-daemon')).toEqual(found);
  }, 60_000);
});
