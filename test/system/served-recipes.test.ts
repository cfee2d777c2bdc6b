import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import type { ImageInfo } from '../../generated/index.js';
import { folderWith, qapiTs } from '../cli/command-line.js';
import { pattern } from './judged-disk.js';
import { NbdClient } from './nbd-client.js';
import { describeWithPrograms } from './programs.js';
import { codeOf, runCode } from './recipes.js';

const MiB = 2 ** 20;
const size = 8 * MiB;

/** A served disk, its guest, and the judge of what is in files. */
class Served {
  readonly folder = folderWith({});
  guest!: NbdClient;
  #stamp = 1;

  constructor() {
    for (const name of ['images', 'backups', 'new', 'run']) mkdirSync(join(this.folder, name));
  }

  at(name: string): string {
    return join(this.folder, name);
  }

  image(...args: string[]): string {
    return execFileSync('qemu-img', args, { cwd: this.folder, encoding: 'utf8' });
  }

  /** Makes an image with something in it; absent: over nothing. */
  create(name: string, backing?: string): void {
    const over = backing === undefined ? [name, `${size}`] : ['-F', 'qcow2', '-b', this.at(backing), name];
    this.image('create', '-q', '-f', 'qcow2', ...over);
    const stamp = this.#stamp++;
    execFileSync('qemu-io', ['-c', `write -q -P ${stamp} ${stamp * 700_416} 1M`, name], { cwd: this.folder });
  }

  async start(...more: readonly string[]): Promise<void> {
    const controller = new AbortController();
    const args = [
      '--qmp',
      `unix:${this.at('run/qmp.sock')}`,
      '--drive',
      `file=${this.at('images/disk.qcow2')},id=disk0`,
    ];
    const nbd = ['--nbd', `unix:${this.at('run/nbd.sock')},device=disk0,writable=on`, '--allow', this.folder];
    let ready = (): void => {};
    const started = new Promise<void>((resolve) => {
      ready = resolve;
    });
    const ended = qapiTs(['serve', ...args, ...more, ...nbd], {
      signal: controller.signal,
      onOutput: (text) => void (text.includes('"msg":"ready"') && ready()),
    });
    onTestFinished(async () => {
      controller.abort();
      expect(await ended).toMatchObject({ code: 0 });
    });
    await Promise.race([started, ended.then(({ stderr }) => expect.unreachable(stderr))]);
    this.guest = await this.connect('run/nbd.sock');
  }

  async connect(socket: string, name = 'disk0'): Promise<NbdClient> {
    const guest = await NbdClient.connect(this.at(socket), name);
    onTestFinished(() => guest.close());
    return guest;
  }

  /** The guest writes something somewhere. */
  async write(guest = this.guest): Promise<void> {
    const stamp = this.#stamp++;
    for (const from of [(stamp * 1_234_944) % (size - MiB), (stamp * 5_001_216) % (size - MiB)]) {
      await guest.write(from, pattern(stamp, from, 200_704, false));
    }
  }

  /** Keeps what the guest sees, as a raw image, when all of it is in the disk's files. */
  async keep(name: string, guest = this.guest): Promise<void> {
    await guest.flush();
    const parts = [];
    for (let from = 0; from < size; from += MiB) parts.push(await guest.read(from, MiB));
    writeFileSync(this.at(name), Buffer.concat(parts));
  }

  /** Runs a program of the page while the guest writes; what it writes then is kept, too. */
  async recipe(name: string, changes: Readonly<Record<string, string>> = {}, writes = true): Promise<string[]> {
    const code = codeOf('docs/recipes.md', name);
    const places = Object.fromEntries(
      ['images', 'backups', 'new', 'run']
        .filter((place) => code.includes(`'/${place}/`))
        .map((place) => [`'/${place}/`, `'${this.at(place)}/`]),
    );
    let running = true;
    const run = runCode(code, { ...changes, ...places }).finally(() => {
      running = false;
    });
    while (writes && running) {
      await this.write();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const { lines, errors, code: exit } = await run;
    expect({ errors, exit }).toEqual({ errors: '', exit: 0 });
    return lines;
  }

  /** The images read the same; the first is consistent. */
  same(name: string, kept: string): void {
    this.image('compare', '-U', name, kept);
    this.image('check', '-q', '-U', name);
  }

  /** The files of a chain, the topmost first. */
  chain(name: string): string[] {
    const infos: ImageInfo[] = JSON.parse(this.image('info', '-U', '--backing-chain', '--output=json', name));
    return infos.map(({ filename }) => filename.replace(`${this.folder}/`, ''));
  }
}

describeWithPrograms('the recipes of docs/recipes.md', ['qemu-img', 'qemu-io', 'nbdinfo'], () => {
  // Loading the server for the first time takes long, which is not the first test's.
  beforeAll(async () => void (await qapiTs(['serve', '--qmp', 'stdio', '--check-config'])), 60_000);

  test('a full backup, two incremental ones, and any of them restored', async () => {
    const disk = new Served();
    disk.create('images/disk.qcow2');
    await disk.start();
    await disk.write();
    await disk.keep('at-first.raw');
    await disk.recipe('full-backup', {}, false);
    await disk.write();
    await disk.keep('on-monday.raw');
    expect(await disk.recipe('incremental-backup', {}, false)).toEqual([
      `${disk.at('backups/monday.qcow2')} is complete`,
    ]);
    await disk.write();
    await disk.keep('on-tuesday.raw');
    const tuesday = {
      '/backups/full': '/backups/tuesday',
      monday: 'x',
      tuesday: 'monday',
      '/x.qcow2': '/tuesday.qcow2',
    };
    await disk.recipe('incremental-backup', tuesday, false);
    await disk.write();
    for (const [backup, kept] of [
      ['full', 'at-first'],
      ['monday', 'on-monday'],
      ['tuesday', 'on-tuesday'],
    ]) {
      disk.same(`backups/${backup}.qcow2`, `${kept}.raw`);
    }
    expect(disk.chain('backups/tuesday.qcow2')).toEqual(
      ['tuesday', 'monday', 'full'].map((name) => `backups/${name}.qcow2`),
    );
    await disk.recipe('restore');
    expect(disk.chain('images/restored.qcow2')).toEqual(['images/restored.qcow2']);
    disk.same('images/restored.qcow2', 'on-monday.raw');
    const restored = await disk.connect('run/restored.sock', 'restored');
    await disk.write(restored);
    await disk.keep('later.raw', restored);
    disk.same('images/restored.qcow2', 'later.raw');
    disk.same('backups/monday.qcow2', 'on-monday.raw');
  });

  test('another program pulls backups by NBD while the guest writes', async () => {
    const disk = new Served();
    disk.create('images/disk.qcow2');
    await disk.start('--device', 'disk,drive=disk0');
    await disk.recipe('full-backup', {}, false);
    await disk.write();
    const first = { monday: 'full', tuesday: 'monday' };
    expect(await disk.recipe('pull-backup', first)).toEqual([`${disk.at('backups/monday.qcow2')} is complete`]);
    disk.image('check', '-q', 'backups/monday.qcow2');
    expect(existsSync(disk.at('images/fleece.qcow2'))).toBe(false);
    await disk.write();
    await disk.keep('on-tuesday.raw');
    await disk.recipe('pull-backup', {}, false);
    await disk.write();
    disk.same('backups/tuesday.qcow2', 'on-tuesday.raw');
    expect(disk.chain('backups/tuesday.qcow2')).toEqual(
      ['tuesday', 'monday', 'full'].map((name) => `backups/${name}.qcow2`),
    );
    await disk.keep('later.raw');
    disk.same('images/disk.qcow2', 'later.raw');
  });

  test('a backup is the disk as it was when it began, whatever the guest writes meanwhile', async () => {
    const disk = new Served();
    disk.create('images/disk.qcow2');
    await disk.start();
    await disk.recipe('full-backup');
    await disk.recipe('incremental-backup');
    disk.image('check', '-q', 'backups/monday.qcow2');
    // What was written after the last backup began is in the next one.
    await disk.keep('at-last.raw');
    await disk.recipe('incremental-backup', { monday: 'last', '/backups/full': '/backups/monday' }, false);
    disk.same('backups/last.qcow2', 'at-last.raw');
  });

  test('a disk moves to another file under its guest', async () => {
    const disk = new Served();
    disk.create('images/base.qcow2');
    disk.create('images/disk.qcow2', 'images/base.qcow2');
    await disk.start();
    const lines = await disk.recipe('move');
    expect(lines.at(-1)).toBe(`disk0 is ${disk.at('new/disk.qcow2')}`);
    await disk.write();
    await disk.keep('moved.raw');
    disk.same('new/disk.qcow2', 'moved.raw');
    expect(disk.chain('new/disk.qcow2')).toEqual(['new/disk.qcow2']);
    // Nothing holds the old file any more: it can be written.
    execFileSync('qemu-io', ['-c', 'write -q 0 512', 'images/disk.qcow2'], { cwd: disk.folder });
  });

  test('the images between the lowest and the topmost are committed and deleted', async () => {
    const disk = new Served();
    disk.create('images/base.qcow2');
    disk.create('images/monday.qcow2', 'images/base.qcow2');
    disk.create('images/tuesday.qcow2', 'images/monday.qcow2');
    disk.create('images/disk.qcow2', 'images/tuesday.qcow2');
    await disk.start();
    expect(await disk.recipe('shorten')).toEqual(['2 images fewer']);
    await disk.keep('after.raw');
    expect(disk.chain('images/disk.qcow2')).toEqual(['images/disk.qcow2', 'images/base.qcow2']);
    disk.same('images/disk.qcow2', 'after.raw');
    expect(existsSync(disk.at('images/monday.qcow2'))).toBe(false);
    // There is nothing more to do.
    expect(await disk.recipe('shorten')).toEqual(['0 images fewer']);
  });

  test('a disk takes over everything above its template', async () => {
    const disk = new Served();
    disk.create('images/template.qcow2');
    disk.create('images/monday.qcow2', 'images/template.qcow2');
    disk.create('images/disk.qcow2', 'images/monday.qcow2');
    disk.image('convert', '-O', 'raw', 'images/template.qcow2', 'template.raw');
    await disk.start();
    await disk.recipe('flatten');
    await disk.keep('after.raw');
    expect(disk.chain('images/disk.qcow2')).toEqual(['images/disk.qcow2', 'images/template.qcow2']);
    disk.same('images/disk.qcow2', 'after.raw');
    disk.same('images/template.qcow2', 'template.raw');
  });

  test('after a snapshot, what is written is kept', async () => {
    const disk = new Served();
    disk.create('images/disk.qcow2');
    await disk.start();
    await disk.recipe('snapshot');
    expect(disk.chain('images/trial.qcow2')).toEqual(['images/trial.qcow2', 'images/disk.qcow2']);
    await disk.recipe('keep');
    await disk.write();
    await disk.keep('after.raw');
    disk.same('images/disk.qcow2', 'after.raw');
    expect(existsSync(disk.at('images/trial.qcow2'))).toBe(false);
  });

  test('after a snapshot, what was written is dropped', async () => {
    const disk = new Served();
    disk.create('images/disk.qcow2');
    await disk.start();
    await disk.write();
    await disk.keep('before.raw');
    await disk.recipe('snapshot', {}, false);
    await disk.write();
    await disk.recipe('roll-back', {}, false);
    disk.same('images/disk.qcow2', 'before.raw');
    const guest = await disk.connect('run/again.sock');
    await disk.keep('again.raw', guest);
    expect(disk.image('compare', 'again.raw', 'before.raw')).toContain('identical');
    await disk.write(guest);
    await disk.keep('after.raw', guest);
    disk.same('images/disk.qcow2', 'after.raw');
  });
});
