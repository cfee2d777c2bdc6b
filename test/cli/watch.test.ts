import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { folderWith, qapiTs } from './command-line.js';

const files = {
  'qapi/root.json': "{ 'include': 'part.json' }\n{ 'struct': 'Disk', 'data': { 'size': 'size' } }\n",
  'qapi/part.json': "{ 'command': 'stop' }\n",
};

/** Starts watching a folder; `said` waits until something has been printed since the last time that matches. */
function watch(cwd: string, args: readonly string[] = ['qapi/root.json', '-o', 'out']) {
  const stop = new AbortController();
  let printed = '';
  const ended = qapiTs(['generate', ...args, '--watch'], {
    cwd,
    signal: stop.signal,
    onOutput(text) {
      printed += text;
    },
  });
  onTestFinished(async () => {
    stop.abort();
    await ended;
  });
  return {
    stop: () => stop.abort(),
    ended,
    async said(expected: RegExp) {
      await vi.waitFor(() => expect(printed).toMatch(expected), { timeout: 5000, interval: 10 });
      printed = '';
    },
  };
}

describe('qapi-ts generate --watch', () => {
  test('writes what changes, and only that', async () => {
    const cwd = folderWith(files);
    const { said, stop, ended } = watch(cwd);
    await said(/files \(\d+ written\) in/);
    writeFileSync(join(cwd, 'qapi/part.json'), "{ 'command': 'cont' }\n");
    await said(/\([1-5] written\)/);
    expect(readFileSync(join(cwd, 'out/part/commands.ts'), 'utf8')).toContain('cont');
    stop();
    expect((await ended).code).toBe(0);
  });

  test('gives no advice about later releases, as generate without --watch gives none', async () => {
    const cwd = folderWith({ ...files, 'qapi/part.json': "{ 'struct': 'in-no-style', 'data': {} }\n" });
    expect((await qapiTs(['check', 'qapi/root.json'], { cwd })).stdout).toMatch(/rejected from/);
    const { said } = watch(cwd);
    await said(/^(?!.*rejected from).*written/s);
  });

  test('prints errors and survives them, with the output as it was', async () => {
    const cwd = folderWith(files);
    const { said } = watch(cwd);
    await said(/written/);
    const types = readFileSync(join(cwd, 'out/root/types.ts'), 'utf8');
    writeFileSync(join(cwd, 'qapi/root.json'), "{ 'struct': 'Disk', 'data': { 'size': 'sise' } }\n");
    await said(/did you mean 'size'\?.*out is as it was; waiting for changes\n$/s);
    expect(readFileSync(join(cwd, 'out/root/types.ts'), 'utf8')).toBe(types);
    writeFileSync(join(cwd, 'qapi/root.json'), "{ 'struct': 'Disc', 'data': {} }\n");
    await said(/written/);
    expect(readFileSync(join(cwd, 'out/root/types.ts'), 'utf8')).toContain('Disc');
  });

  test('sees files that replace others, come to be, or go', async () => {
    const cwd = folderWith(files);
    const { said } = watch(cwd);
    await said(/written/);
    // As editors save.
    writeFileSync(join(cwd, 'qapi/part.json~'), "{ 'command': 'cont' }\n");
    renameSync(join(cwd, 'qapi/part.json~'), join(cwd, 'qapi/part.json'));
    await said(/written/);
    writeFileSync(join(cwd, 'qapi/part.json'), "{ 'include': 'deep/er/new.json' }\n");
    await said(/new\.json/);
    mkdirSync(join(cwd, 'qapi/deep/er'), { recursive: true });
    writeFileSync(join(cwd, 'qapi/deep/er/new.json'), "{ 'command': 'quit' }\n");
    await said(/written/);
    rmSync(join(cwd, 'qapi/deep'), { recursive: true });
    await said(/new\.json/);
  });

  test('follows the configuration', async () => {
    const config = (more: object) => JSON.stringify({ schema: 'qapi/root.json', output: 'out', ...more });
    const cwd = folderWith({ ...files, 'qapi-ts.config.json': config({}) });
    const { said } = watch(cwd, []);
    await said(/written/);
    writeFileSync(join(cwd, 'qapi-ts.config.json'), config({ int64: 'bigint' }));
    await said(/written/);
    expect(readFileSync(join(cwd, 'out/root/types.ts'), 'utf8')).toContain('size: bigint');
    writeFileSync(join(cwd, 'qapi-ts.config.json'), config({ int64: 'bigit' }));
    await said(/error: .*did you mean 'bigint'/);
    writeFileSync(join(cwd, 'qapi-ts.config.json'), config({ int64: 'number' }));
    await said(/written/);
  });
});
