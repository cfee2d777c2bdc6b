import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type FileHost, isError, loadSchema, nodeHost, placeOf } from '../../../generator/index.js';
import { modelAsJson } from '../../../generator/schema/ir.js';
import type { Diagnostic } from '../../../generator/text/diagnostic.js';
import { corpusPath, describeWithCorpus } from '../../corpus.js';

/** What the reference reports for an invalid schema. Without a column, the line is that of the definition. */
interface Expected {
  readonly file: string;
  readonly line: number;
  readonly column?: number;
}

function readJson<T>(...path: string[]): T {
  return JSON.parse(readFileSync(corpusPath(...path), 'utf8')) as T;
}

/** A diagnostic in the form of the expectation: with the column, or with the line that the expectation may mean. */
function place(found: Diagnostic, expected: Expected): Expected | undefined {
  const { span, definition } = found;
  const at = placeOf(found);
  if (!span || !at) return undefined;
  const file = basename(span.file.path);
  const { line, column } = at;
  if (expected.column !== undefined) return { file, line, column };
  // Of a redefinition, 9.0 names both definitions, and the expectation has the place that stands last: the earlier one.
  const places = [definition, ...(found.name === 'redefinition' ? found.related : [])];
  const lines = [line, ...places.map((other) => other?.span.file.lineAt(other.span.start))];
  return { file, line: lines.find((candidate) => candidate === expected.line) ?? line };
}

describe.each([
  ['suite', '9.0'],
  ['suite-2.8', '2.8'],
  ['suite-10.2', '10.2'],
  ['suite-11.1', '11.1'],
])('schemas of %s', (suite, dialect) => {
  describeWithCorpus('that are invalid', `${suite}/invalid/expected.json`, () => {
    const cases = Object.entries(readJson<Record<string, Expected>>(suite, 'invalid', 'expected.json'))
      // The suites expect something of schemas, too, that they no longer have.
      .filter(([name]) => existsSync(corpusPath(suite, 'invalid', `${name}.json`)))
      .map(([name, { file, ...place }]) => [name, { file: basename(file), ...place }] as const);
    it.each(cases)('%s is rejected where the reference does', async (name, expected) => {
      const { schema, diagnostics } = await loadSchema(corpusPath(suite, 'invalid', `${name}.json`), { dialect });
      const first = diagnostics.find(({ severity }) => severity === 'error');
      expect(schema).toBeUndefined();
      expect(first && place(first, expected), first?.message).toMatchObject({ ...expected });
      // Columns are counted as the reference counts where it prints one, and only there.
      expect(first?.columns === 'character', first?.message).toBe(expected.column === undefined);
    });

    it.each(cases)(
      '%s is rejected at the same place below other lines, and where it is included',
      async (name, expected) => {
        const original = corpusPath(suite, 'invalid', `${name}.json`);
        const above = '# Two lines\n\n';
        const including = original.replace(/[^/]*$/, 'including.json');
        const texts: Readonly<Record<string, string>> = {
          [original]: above + readFileSync(original, 'utf8'),
          [including]: `{ 'include': '${name}.json' }\n`,
        };
        const host: FileHost = {
          ...nodeHost,
          read: async (path) => (path in texts ? Buffer.from(texts[path] as string) : await nodeHost.read(path)),
        };
        const first = async (path: string) => (await loadSchema(path, { dialect, host })).diagnostics.find(isError);
        const isHere = expected.file === `${name}.json`;
        const lower = { ...expected, line: expected.line + (isHere ? 2 : 0) };
        for (const path of [original, including]) {
          const found = await first(path);
          expect(found && place(found, lower), found?.message).toMatchObject(lower);
        }
      },
    );
  });

  describeWithCorpus('that are valid', `${suite}/valid`, () => {
    const names = readdirSync(corpusPath(suite, 'valid')).filter((name) => /^[^.]+\.json$/.test(name));
    it.each(names)('%s is accepted', async (name) => {
      const path = corpusPath(suite, 'valid', name);
      const { schema, diagnostics } = await loadSchema(path, { dialect });
      expect(diagnostics).toEqual([]);
      const expected = path.replace(/\.json$/, '.ir.json');
      if (!schema || !existsSync(expected)) return;
      expect(modelAsJson(schema).modules).toEqual(JSON.parse(readFileSync(expected, 'utf8')).modules);
    });

    it.each(names)('%s is accepted whatever the release', async (name) => {
      const { diagnostics } = await loadSchema(corpusPath(suite, 'valid', name));
      expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
    });
  });
});

/** The folders of releases, and the release whose language they are written in. */
const releases = [
  ['2.8-dev', '2.8'],
  ['4.2', '4.2'],
  ['6.0', '6.0'],
  ['7.2', '7.2'],
  ['9.0-rc', '9.0'],
  ['10.1', '10.1'],
  ['11.1', '11.1'],
] as const;
const roots = [
  'qapi-schema.json',
  'qapi/qapi-schema.json',
  'qga/qapi-schema.json',
  'storage-daemon/qapi/qapi-schema.json',
];

describe.each(releases)('release %s', (folder, dialect) => {
  const present = roots.filter((root) => existsSync(corpusPath('releases', folder, root)));
  describeWithCorpus('its schemas', `releases/${folder}`, () => {
    it('the corpus contains schemas of the release', () => expect(present).not.toEqual([]));
    for (const root of present) {
      it.each([dialect, 'auto'])(`${root} is accepted under %s`, async (name) => {
        const { schema, diagnostics } = await loadSchema(corpusPath('releases', folder, root), { dialect: name });
        expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
        expect(schema?.definitions.length).toBeGreaterThan(30);
      });
    }
  });
});
