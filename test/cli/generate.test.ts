import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { declarationsIn } from '../declarations.js';
import { folderWith, qapiTs } from './command-line.js';

const schema =
  "{ 'include': 'more.json' }\n" +
  "{ 'struct': 'Disk', 'data': { 'size': 'size', 'spool': { 'type': 'str', 'if': 'CONFIG_SPOOL' } } }\n";
const more = "{ 'command': 'stop' }\n";
const files = { 'qapi/disk.json': schema, 'qapi/more.json': more };

/** The text of a generated file. */
function generated(cwd: string, path: string): string {
  return readFileSync(join(cwd, 'out', path), 'utf8');
}

/** The members of the schema's one struct as its interface declares them, with their types. */
function diskMembers(cwd: string): Record<string, string> {
  const members = declarationsIn(generated(cwd, 'disk/types.ts')).interfaces.get('Disk')?.members.values() ?? [];
  return Object.fromEntries([...members].map(({ name, type }) => [name, type]));
}

/** Where a generated file imports from. */
function imports(cwd: string, path: string): readonly string[] {
  return declarationsIn(generated(cwd, path)).imports;
}

function everything(cwd: string): Record<string, string> {
  const paths = readdirSync(join(cwd, 'out'), { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(paths.filter((path) => path.endsWith('.ts')).map((path) => [path, generated(cwd, path)]));
}

describe('qapi-ts generate', () => {
  test('writes a folder for each module, and says what it did', async () => {
    const cwd = folderWith(files);
    const { code, stdout, stderr } = await qapiTs(['generate', 'qapi/disk.json', '-o', 'out'], { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^qapi\/disk\.json: 2 modules, 2 definitions; out: (\d+) files \(\1 written\) in \d+\.\d\d s\n$/,
    );
    expect(diskMembers(cwd)).toEqual({ size: 'Int64', spool: 'string' });
    expect([
      ...(declarationsIn(generated(cwd, 'more/client.ts')).interfaces.get('Commands')?.members.keys() ?? []),
    ]).toEqual(['stop']);
  });

  test('writes nothing the second time, and says so', async () => {
    const cwd = folderWith(files);
    const run = () => qapiTs(['generate', 'qapi/disk.json', '-o', 'out'], { cwd });
    await run();
    const time = statSync(join(cwd, 'out/disk/types.ts')).mtimeMs;
    expect((await run()).stdout).toContain('(all current)');
    expect(statSync(join(cwd, 'out/disk/types.ts')).mtimeMs).toBe(time);
  });

  test('leaves the previous output whole when the schema is wrong', async () => {
    const cwd = folderWith(files);
    await qapiTs(['generate', 'qapi/disk.json', '-o', 'out'], { cwd });
    const before = everything(cwd);
    writeFileSync(join(cwd, 'qapi/more.json'), "{ 'command': 'stop', 'data': 'Nowhere' }\n");
    const { code, stdout, stderr } = await qapiTs(['generate', 'qapi/disk.json', '-o', 'out'], { cwd });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('--> qapi/more.json:1:');
    expect(stderr).toContain('out is as it was\n');
    expect(everything(cwd)).toEqual(before);
  });

  test('removes what it wrote earlier and does not generate any more', async () => {
    const cwd = folderWith(files);
    await qapiTs(['generate', 'qapi/disk.json', '-o', 'out'], { cwd });
    const { stdout } = await qapiTs(['generate', 'qapi/disk.json', '-o', 'out', '--target', 'types'], { cwd });
    expect(stdout).toMatch(/\d+ removed/);
    expect(existsSync(join(cwd, 'out/more'))).toBe(false);
    expect(Object.keys(everything(cwd))).toEqual(['disk/types.ts', 'index.ts']);
  });

  test('does not touch a folder that it did not write', async () => {
    const cwd = folderWith({ ...files, 'out/mine.ts': 'export {};\n' });
    const { code, stderr } = await qapiTs(['generate', 'qapi/disk.json', '-o', 'out'], { cwd });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: .*out.*\n/);
    expect(readdirSync(join(cwd, 'out'))).toEqual(['mine.ts']);
  });

  test('--check writes nothing and shows what differs', async () => {
    const cwd = folderWith(files);
    const check = () => qapiTs(['generate', 'qapi/disk.json', '-o', 'out', '--check'], { cwd });
    const absent = await check();
    expect(absent.code).toBe(1);
    expect(absent.stdout).toContain('disk/types.ts is missing\n');
    expect(existsSync(join(cwd, 'out'))).toBe(false);

    await qapiTs(['generate', 'qapi/disk.json', '-o', 'out'], { cwd });
    expect(await check()).toMatchObject({ code: 0, stdout: expect.stringMatching(/^out is current: \d+ files\n$/) });

    const types = join(cwd, 'out/disk/types.ts');
    writeFileSync(types, generated(cwd, 'disk/types.ts').replace('Disk', 'Disc'));
    const changed = await check();
    expect(changed.code).toBe(1);
    expect(changed.stdout).toMatch(/^-export interface Disc/m);
    expect(changed.stdout).toMatch(/^\+export interface Disk/m);
    expect(changed.stderr).toContain('error: out is not current: 1 file would change\n');
    expect(readFileSync(types, 'utf8')).toContain('Disc');
  });

  test.each([
    [['--int64', 'bigint'], { size: 'bigint', spool: 'string' }],
    [['--int64', 'number'], { size: 'number', spool: 'string' }],
    [['--define', 'CONFIG_SPOOL=off'], { size: 'Int64' }],
    [['--define', 'OTHER', '--only-defined'], { size: 'Int64' }],
    [['--define', 'CONFIG_SPOOL', '--only-defined'], { size: 'Int64', spool: 'string' }],
  ])('%j decides about members and their types', async (options, expected) => {
    const cwd = folderWith(files);
    const { code, stderr } = await qapiTs(['generate', 'qapi/disk.json', '-o', 'out', ...options], { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(diskMembers(cwd)).toEqual(expected);
  });

  test.each([
    [
      ['--runtime-import', './runtime.js'],
      ['../../runtime.js', './types.js'],
    ],
    [
      ['--runtime-import', '@scope/runtime'],
      ['./types.js', '@scope/runtime'],
    ],
    [
      ['--import-extension', 'js'],
      ['./types.js', 'qapi-ts/runtime'],
    ],
    [
      ['--import-extension', 'ts'],
      ['./types.ts', 'qapi-ts/runtime'],
    ],
    [
      ['--import-extension', 'none'],
      ['./types', 'qapi-ts/runtime'],
    ],
  ])('%j decides about imports', async (options, expected) => {
    const cwd = folderWith(files);
    const { code, stderr } = await qapiTs(['generate', 'qapi/disk.json', '-o', 'out', ...options], { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(imports(cwd, 'disk/visitors.ts')).toEqual(expected);
  });

  test('takes everything from the configuration, over which the command line wins', async () => {
    const cwd = folderWith({
      ...files,
      'qapi-ts.config.json': JSON.stringify({
        schema: 'qapi/disk.json',
        output: 'out',
        int64: 'bigint',
        targets: ['types'],
        runtimeImport: './lib/runtime.js',
        define: { CONFIG_SPOOL: false },
      }),
      'sub/empty.txt': '',
    });
    expect((await qapiTs(['generate'], { cwd: join(cwd, 'sub') })).code).toBe(0);
    expect(Object.keys(everything(cwd))).toEqual(['disk/types.ts', 'index.ts']);
    expect(diskMembers(cwd)).toEqual({ size: 'bigint' });

    await qapiTs(['generate', '--int64', 'union', '--define', 'CONFIG_SPOOL=on'], { cwd });
    expect(diskMembers(cwd)).toEqual({ size: 'Int64', spool: 'string' });
    expect(imports(cwd, 'disk/types.ts')).toEqual(['../../lib/runtime.js']);
  });

  test('ignores a configuration that is about another schema', async () => {
    const cwd = folderWith({ ...files, 'qapi-ts.config.json': '{ "schema": "other.json", "int64": "bigint" }' });
    await qapiTs(['generate', 'qapi/disk.json', '-o', 'out'], { cwd });
    expect(diskMembers(cwd).size).toBe('Int64');
  });

  test('explains how to name an output folder when there is none', async () => {
    const { code, stderr } = await qapiTs(['generate', 'qapi/disk.json'], { cwd: folderWith(files) });
    expect(code).toBe(1);
    expect(stderr).toBe(
      'error: there is no folder to write to\nname one with -o, or as "output" in a qapi-ts.config.json\n',
    );
  });
});
