import { mkdtempSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, onTestFinished, test, vi } from 'vitest';
import * as folders from '../../../../generator/emit/output/folder.js';
import { marker } from '../../../../generator/emit/output/header.js';
import { incrementalWriter } from '../../../../generator/emit/output/write.js';
import type { GeneratedFile } from '../../../../generator/emit/target.js';

vi.mock('../../../../generator/emit/output/folder.js', { spy: true });

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-known-texts-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const file = (path: string, text: string): GeneratedFile => ({ path, text: `${marker} from a test\n${text}` });
const files = [file('index.ts', 'one'), file('a.ts', 'two'), file('b.ts', 'three')];

/** What is done to a file between two runs, by another program. None of it changes the file's length. */
const edits = {
  nothing: () => {},
  edit: (path: string) => writeFileSync(path, readFileSync(path, 'utf8').replace(/..$/, 'xx')),
  'edit, and take the time back': (path: string) => {
    writeFileSync(path, readFileSync(path, 'utf8').replace(/..$/, 'yy'));
    utimesSync(path, 1, 1);
  },
  exchange: (path: string) => {
    writeFileSync(`${path}.new`, readFileSync(path, 'utf8').replace(/..$/, 'zz'));
    renameSync(`${path}.new`, path);
  },
  remove: (path: string) => rmSync(path),
} as const;

test('a writer that remembers what it has read puts right whatever happened to its files', () => {
  const step = fc.record({
    edit: fc.constantFrom(...Object.values(edits)),
    // Without its index, the folder is taken for another program's.
    path: fc.constantFrom('a.ts', 'b.ts'),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
      const folder = newFolder();
      const write = incrementalWriter();
      write(folder, files);
      for (const { edit, path } of steps) {
        edit(join(folder, path));
        const { written } = write(folder, files);
        expect(written).toEqual(edit === edits.nothing ? [] : [path]);
        for (const { path: one, text } of files) expect(readFileSync(join(folder, one), 'utf8')).toBe(text);
      }
    }),
    { numRuns: 40 },
  );
});

test('a writer that remembers what it has read reads a file again when it has changed, and not before', async () => {
  const folder = newFolder();
  const write = incrementalWriter();
  const readFor = () => {
    vi.mocked(folders.readText).mockClear();
    write(folder, files);
    return vi.mocked(folders.readText).mock.calls.map(([path]) => path);
  };
  write(folder, files);
  const all = files.map(({ path }) => join(folder, path));
  expect(readFor()).toEqual(all);
  // Until then a change might not show.
  await setTimeout(200);
  expect(readFor()).toEqual(all);
  expect(readFor()).toEqual([]);
  edits['edit, and take the time back'](join(folder, 'a.ts'));
  expect(readFor()).toEqual([join(folder, 'a.ts')]);
});
