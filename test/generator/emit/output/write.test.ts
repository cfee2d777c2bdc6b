import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkFiles } from '../../../../generator/emit/output/check.js';
import { OutputError } from '../../../../generator/emit/output/folder.js';
import { marker } from '../../../../generator/emit/output/header.js';
import { writeFiles } from '../../../../generator/emit/output/write.js';
import type { GeneratedFile } from '../../../../generator/emit/target.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qapi-ts-output-'));
});

afterEach(() => {
  chmodSync(folder, 0o755);
  rmSync(folder, { recursive: true, force: true });
});

function file(path: string, text = ''): GeneratedFile {
  return { path, text: `${marker} from a test\n${text}` };
}

function paths(): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

describe('writing', () => {
  test('makes the folder and all files', () => {
    const out = join(folder, 'deep/out');
    const result = writeFiles(out, [file('index.ts', 'a'), file('mod/types.ts', 'b')]);
    expect(result).toEqual({ written: ['index.ts', 'mod/types.ts'], removed: [], unchanged: 0 });
    expect(readFileSync(join(out, 'mod/types.ts'), 'utf8')).toBe(file('', 'b').text);
    expect(readdirSync(out).sort()).toEqual(['index.ts', 'mod']);
    expect(readdirSync(dirname(out))).toEqual(['out']);
    mkdirSync(join(folder, 'ordinary'));
    expect(statSync(out).mode).toBe(statSync(join(folder, 'ordinary')).mode);
  });

  test('touches only files whose bytes change', () => {
    writeFiles(folder, [file('index.ts', 'a'), file('b.ts', 'b')]);
    const past = new Date(2000, 1, 1);
    for (const name of ['index.ts', 'b.ts']) utimesSync(join(folder, name), past, past);
    expect(writeFiles(folder, [file('index.ts', 'a'), file('b.ts', 'changed')])).toEqual({
      written: ['b.ts'],
      removed: [],
      unchanged: 1,
    });
    expect(statSync(join(folder, 'index.ts')).mtime).toEqual(past);
    expect(statSync(join(folder, 'b.ts')).mtime).not.toEqual(past);
  });

  test('removes what an earlier run wrote, and the folders that are empty then', () => {
    writeFiles(folder, [
      file('index.ts'),
      ...['old/deep/types.ts', 'old/deep/visitors.ts', 'old/events.ts', 'kept/types.ts'].map((path) => file(path)),
    ]);
    writeFileSync(join(folder, 'kept/mine.ts'), 'export {};');
    const result = writeFiles(folder, [file('index.ts')]);
    expect(result.removed).toEqual(['kept/types.ts', 'old/deep/types.ts', 'old/deep/visitors.ts', 'old/events.ts']);
    expect(paths()).toEqual(['index.ts', 'kept/mine.ts']);
    expect(existsSync(join(folder, 'old'))).toBe(false);
  });

  test('does not touch a folder that it did not write', () => {
    writeFileSync(join(folder, 'precious.ts'), 'export {};');
    expect(() => writeFiles(folder, [file('index.ts')])).toThrow(/was not written by qapi-ts/);
    expect(paths()).toEqual(['precious.ts']);
  });

  test('does not touch other output below a folder that it did not write, or did', () => {
    mkdirSync(join(folder, 'src'));
    writeFiles(join(folder, 'src/generated'), [file('index.ts'), file('mod/types.ts')]);
    expect(() => writeFiles(join(folder, 'src'), [file('index.ts')])).toThrow(/was not written by qapi-ts/);
    expect(writeFiles(join(folder, 'src/generated'), [file('index.ts'), file('mod/types.ts')]).unchanged).toBe(2);
    writeFiles(join(folder, 'src/generated/inner'), [file('index.ts'), file('mod/types.ts')]);
    expect(writeFiles(join(folder, 'src/generated'), [file('index.ts')]).removed).toEqual(['mod/types.ts']);
    expect(paths()).toEqual([
      'src/generated/index.ts',
      'src/generated/inner/index.ts',
      'src/generated/inner/mod/types.ts',
    ]);
  });

  test('does not replace a file that it did not write', () => {
    writeFiles(folder, [file('index.ts')]);
    mkdirSync(join(folder, 'mod'));
    writeFileSync(join(folder, 'mod/types.ts'), 'mine');
    expect(() => writeFiles(folder, [file('index.ts', 'new'), file('mod/types.ts')])).toThrow(/is in the way/);
    expect(readFileSync(join(folder, 'index.ts'), 'utf8')).toBe(file('').text);
  });

  test('does not replace a folder', () => {
    writeFiles(folder, [file('index.ts')]);
    mkdirSync(join(folder, 'types.ts'));
    writeFileSync(join(folder, 'types.ts/mine'), '');
    expect(() => writeFiles(folder, [file('index.ts', 'new'), file('types.ts')])).toThrow(/is in the way/);
    expect(paths()).toEqual(['index.ts', 'types.ts/mine']);
  });

  test('accepts a folder that holds only hidden files', () => {
    writeFileSync(join(folder, '.gitkeep'), '');
    expect(writeFiles(folder, [file('index.ts')]).written).toEqual(['index.ts']);
  });

  test('does not follow links out of the folder', () => {
    const elsewhere = join(folder, 'elsewhere');
    writeFiles(elsewhere, [file('index.ts')]);
    const out = join(folder, 'out');
    writeFiles(out, [file('index.ts')]);
    symlinkSync(elsewhere, join(out, 'link'));
    symlinkSync(join(folder, 'nowhere'), join(out, 'dangling.ts'));
    expect(writeFiles(out, [file('index.ts', 'new')]).removed).toEqual([]);
    expect(existsSync(join(elsewhere, 'index.ts'))).toBe(true);
  });

  test('says what is wrong when the folder is a file', () => {
    writeFileSync(join(folder, 'out'), '');
    expect(() => writeFiles(join(folder, 'out'), [file('index.ts')])).toThrow(OutputError);
    expect(() => writeFiles(join(folder, 'out/below'), [file('index.ts')])).toThrow(OutputError);
  });
});

describe('a run that fails', () => {
  test('leaves the previous output whole when a file cannot take its place', () => {
    writeFiles(folder, [file('a.ts', 'old'), file('index.ts', 'old'), file('stale.ts', 'old')]);
    writeFileSync(join(folder, 'mod'), 'not a folder');
    const files = [file('a.ts', 'new'), file('index.ts', 'new'), file('mod/types.ts', 'new')];
    expect(() => writeFiles(folder, files)).toThrow(OutputError);
    expect(paths()).toEqual(['a.ts', 'index.ts', 'mod', 'stale.ts']);
    for (const name of ['a.ts', 'index.ts'])
      expect(readFileSync(join(folder, name), 'utf8')).toBe(file('', 'old').text);
  });

  test('leaves nothing where nothing was', () => {
    const out = join(folder, 'out');
    expect(() => writeFiles(out, [file('index.ts'), file('index.ts/types.ts')])).toThrow(OutputError);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('leaves a staging folder only when it is killed, for the next run to remove', () => {
    writeFiles(folder, [file('index.ts')]);
    const abandoned = join(folder, '.qapi-ts-999999999-x');
    mkdirSync(abandoned);
    writeFileSync(join(abandoned, 'index.ts'), '');
    writeFiles(folder, [file('index.ts', 'new')]);
    expect(paths()).toEqual(['index.ts']);
  });
});

describe('checking', () => {
  test('finds nothing when the folder is current', () => {
    const files = [file('index.ts', 'a'), file('mod/types.ts', 'b')];
    writeFiles(folder, files);
    expect(checkFiles(folder, files)).toEqual([]);
  });

  test('reports what differs, and writes nothing', () => {
    writeFiles(folder, [file('index.ts', 'a\n'), file('stale.ts')]);
    const differences = checkFiles(folder, [file('index.ts', 'b\n'), file('new.ts')]);
    expect(differences.map(({ path, kind }) => [path, kind])).toEqual([
      ['index.ts', 'changed'],
      ['new.ts', 'missing'],
      ['stale.ts', 'stale'],
    ]);
    expect(differences[0]?.diff).toContain('\n-a\n+b\n');
    expect(paths()).toEqual(['index.ts', 'stale.ts']);
  });
});
