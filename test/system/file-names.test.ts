import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { describeWithPrograms } from './programs.js';
import { bundledProgram } from './serve-program.js';

let program: string;
let remove: () => void;
let folder: string;

beforeAll(async () => {
  ({ program, remove } = await bundledProgram());
  folder = mkdtempSync(join(tmpdir(), 'names-'));
  // The name is that of Latin-1.
  execFileSync('sh', [
    '-ec',
    `cd '${folder}'; base=$(printf 'b\\351.raw'); printf hello > "$base"; truncate -s 1M "$base"
     qemu-img create -q -f qcow2 -b "$base" -F raw over.qcow2
     qemu-img create -q -f qcow2 -b over.qcow2 -F qcow2 "$(printf 't\\344.qcow2')"`,
  ]);
});

afterAll(() => {
  remove();
  rmSync(folder, { recursive: true });
});

/** Runs a shell script whose server serves an export; returns what is read of it. `$0` is Node.js, `$1` the program. */
async function served(drive: string): Promise<string> {
  const script = `cd '${folder}'; exec "$0" "$1" serve --drive "${drive},id=d,read-only=on" --nbd unix:n.sock,device=d --allow .`;
  const child = spawn('sh', ['-ec', script, process.execPath, program], { stdio: ['ignore', 'ignore', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let log = '';
  for await (const chunk of child.stderr.iterator({ destroyOnReturn: false })) {
    log += chunk;
    if (log.includes('"msg":"ready"')) break;
  }
  expect(log).toContain('"msg":"ready"');
  const uri = `nbd+unix:///d?socket=${folder}/n.sock`;
  const out = join(folder, 'out');
  execFileSync('qemu-img', ['dd', '-f', 'raw', '-O', 'raw', 'bs=512', 'count=1', `if=${uri}`, `of=${out}`]);
  const read = readFileSync(out, 'latin1');
  rmSync(out);
  child.kill('SIGTERM');
  await once(child, 'close');
  return read.slice(0, 5);
}

describeWithPrograms('files whose names are not UTF-8', ['qemu-img'], () => {
  test('an image that a header names so is opened as the backing file', async () => {
    expect(await served('file=over.qcow2')).toBe('hello');
  });

  test('an image that the command line names so is opened', async () => {
    expect(await served("file=$(printf 't\\344.qcow2')")).toBe('hello');
    expect(await served("file=$(printf 'b\\351.raw'),format=raw")).toBe('hello');
  });

  test('another name of the same appearance is another file', async () => {
    await expect(served('file=b\ufffd.raw,format=raw')).rejects.toThrow(/^expected 'error: --drive/);
    const images = readdirSync(folder, { encoding: 'latin1' }).filter((name) => name !== 'n.sock');
    expect(images.sort()).toEqual(['b\xe9.raw', 'over.qcow2', 't\xe4.qcow2']);
  });
});
