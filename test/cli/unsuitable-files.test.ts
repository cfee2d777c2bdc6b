import { execFileSync } from 'node:child_process';
import { closeSync, openSync, symlinkSync, truncateSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { folderWith, qapiTs } from './command-line.js';

/** What can stand in a folder under the name of a schema, and what is said about it. */
const inputs: readonly [title: string, make: (path: string) => unknown, reason: string][] = [
  ['a pipe that nothing writes to', (path) => execFileSync('mkfifo', [path]), 'it is a pipe and not a file'],
  ['a device that never ends', (path) => symlinkSync('/dev/zero', path), 'it is a device and not a file'],
  [
    'a file of a gigabyte',
    (path) => {
      closeSync(openSync(path, 'w'));
      truncateSync(path, 2 ** 30);
    },
    'it is larger than 64 MiB',
  ],
  [
    'a socket',
    async (path) => {
      const server = createServer();
      onTestFinished(() => void server.close());
      await new Promise<void>((listening) => server.listen(path, listening));
    },
    'it is a socket or a device and not a file',
  ],
  ['a folder', (path) => execFileSync('mkdir', [path]), 'it is a folder'],
  ['a link to itself', (path) => symlinkSync(path, path), 'its symbolic links lead in a circle'],
];

describe.skipIf(process.platform === 'win32').each(inputs)('%s', (_title, make, reason) => {
  it('refuses the file as a schema and as an include, with a diagnostic and the exit code 1', async () => {
    const folder = folderWith({ 'root.json': "{ 'include': 'odd.json' }\n" });
    await make(join(folder, 'odd.json'));
    for (const root of ['odd.json', 'root.json']) {
      for (const command of ['check', 'ir', 'introspect']) {
        const { code, stdout, stderr } = await qapiTs([command, root], { cwd: folder });
        expect({ root, command, code }).toEqual({ root, command, code: 1 });
        expect(stdout + stderr).toContain(`cannot read 'odd.json': ${reason}`);
      }
    }
  });

  it('refuses or ignores the file as a configuration', async () => {
    const folder = folderWith({});
    await make(join(folder, 'qapi-ts.config.json'));
    const { code, stderr } = await qapiTs(['check'], { cwd: folder });
    expect(code).toBe(1);
    // A link that leads nowhere is no configuration.
    expect(stderr).toContain(reason.includes('links') ? 'there is no schema to read' : reason);
  });
});

describe('standard input that never ends', () => {
  it('refuses standard input once it is too long', async () => {
    const zeros = Buffer.alloc(1024 * 1024);
    const endless = Readable.from(
      (function* () {
        for (;;) yield zeros;
      })(),
    );
    const { code, stdout } = await qapiTs(['check', '-'], { stdin: endless });
    expect(code).toBe(1);
    expect(stdout).toContain("cannot read '<stdin>': it is larger than 64 MiB");
  });
});
