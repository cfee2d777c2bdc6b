import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type FileHost, memoryHost } from '../../../generator/syntax/host.js';
import { loadSyntax } from '../../../generator/syntax/load.js';
import type { Diagnostic } from '../../../generator/text/diagnostic.js';
import { dialect, read } from './read.js';

const event = (name: string) => `{ 'event': '${name}' }\n`;
const include = (name: string) => `{ 'include': '${name}' }\n`;

/** A diagnostic as file, line and name. */
function placeOf({ name, span }: Diagnostic): string {
  return `${span?.file.path}:${span?.file.lineAt(span.start)} ${name}`;
}

describe('modules', () => {
  const files = {
    'schema.json': include('sub/a.json') + event('ROOT') + include('b.json') + include('sub/../b.json'),
    'sub/a.json': event('A') + include('../b.json') + include('c.json'),
    'b.json': event('B'),
    'sub/c.json': event('C'),
  };

  it('names modules by their path from the root, in the order of reading', async () => {
    const { tree, diagnostics } = await read(files);
    expect(diagnostics).toEqual([]);
    expect(tree.modules.map(({ name, includes }) => [name, includes])).toEqual([
      ['schema.json', ['sub/a.json', 'b.json', 'b.json']],
      ['sub/a.json', ['b.json', 'sub/c.json']],
      ['b.json', []],
      ['sub/c.json', []],
    ]);
  });

  it('gives each module its own expressions, and keeps the order of definition over all', async () => {
    const { tree } = await read(files);
    const names = (expressions: typeof tree.expressions) =>
      expressions.map(({ value }) =>
        value.pairs.values().map((pair) => (pair.value.kind === 'string' ? pair.value.value : '')),
      );
    expect(tree.modules.map(({ expressions }) => names(expressions).flat())).toEqual([['ROOT'], ['A'], ['B'], ['C']]);
    expect(names(tree.expressions).flat()).toEqual(['A', 'B', 'C', 'ROOT']);
  });

  it('reads modules outside of the folder of the root', async () => {
    const files = { 'app/schema.json': include('../lib/a.json'), 'lib/a.json': event('A') };
    const { tree } = await loadSyntax('app/schema.json', { host: memoryHost(files) });
    expect(tree.modules.map(({ name, file }) => [name, file.path])).toEqual([
      ['schema.json', 'app/schema.json'],
      ['../lib/a.json', 'app/../lib/a.json'],
    ]);
  });

  it('reports modules under the name by which they were included: up to 2.11 an absolute one', async () => {
    const broken = { 'schema.json': include('sub/a.json'), 'sub/a.json': include('../b.json'), 'b.json': '{' };
    expect((await read(broken, '2.12')).diagnostics.map(placeOf)).toEqual(['sub/../b.json:1 expected-key']);
    expect((await read(broken, '2.11')).diagnostics.map(placeOf)).toEqual(['/sub/../b.json:1 expected-key']);
  });
});

describe('diagnostics', () => {
  it('sorts diagnostics in the order of the reference', async () => {
    const { diagnostics } = await read(
      {
        'schema.json': `${event('A')}${include('a.json')}${include('missing.json')}{ 'event' 'B' }\n`,
        'a.json': `{ 'pragma': [] }\n##\n# @C:\n##\n${include('b.json')}]\n`,
        'b.json': 'x\n',
      },
      '10.1',
    );
    expect(diagnostics.map(placeOf)).toEqual([
      'a.json:1 pragma-not-an-object',
      'a.json:2 documentation-without-definition',
      'b.json:1 stray-text',
      'a.json:6 expected-expression',
      'schema.json:3 unreadable-include',
      'schema.json:4 missing-colon',
    ]);
  });

  it('reports a malformed token before the include in front of it, and an unexpected one after it', async () => {
    const malformed = await read("{ 'include': 'missing.json' } 'x\n", '10.1');
    expect(malformed.diagnostics.map(({ name }) => name)).toEqual([
      'unclosed-string',
      'unreadable-include',
      'expected-expression',
    ]);
    const unexpected = await read("{ 'include': 'missing.json' } ]\n", '10.1');
    expect(unexpected.diagnostics.map(({ name }) => name)).toEqual(['unreadable-include', 'expected-expression']);
  });

  it('names all includers of a file in its diagnostics, outermost first', async () => {
    const { diagnostics } = await read({
      'schema.json': `\n${include('a.json')}`,
      'a.json': `\n\n${include('b.json')}`,
      'b.json': '{',
    });
    expect(diagnostics[0]?.related.map(({ span }) => `${span.file.path}:${span.file.lineAt(span.start)}`)).toEqual([
      'schema.json:2',
      'a.json:3',
    ]);
  });
});

describe('includes', () => {
  it('reports an include that comes back to a file that is being read', async () => {
    const { diagnostics } = await read({
      'schema.json': include('a.json'),
      'a.json': include('./sub/../a.json') + include('schema.json'),
    });
    expect(diagnostics.map(placeOf)).toEqual(['a.json:1 include-cycle', 'a.json:2 include-cycle']);
  });

  it('stops circular includes even where releases up to 2.11 would go on for ever', async () => {
    const { diagnostics } = await read({ 'schema.json': include('./schema.json') }, '2.8');
    expect(diagnostics.map(({ name }) => name)).toEqual(['include-cycle']);
  });

  it('reads an included file once where releases up to 2.11 would read it more and more often', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [`${i || 'schema'}.json`, include(`./${i + 1}.json`).repeat(2)]),
    );
    const { tree, diagnostics } = await read({ ...files, '40.json': event('E') }, '2.8');
    expect(diagnostics).toEqual([]);
    expect(tree.expressions).toHaveLength(2);
    expect(tree.modules.length).toBeLessThan(100);
  });

  it('reads includes that are nested a thousand deep', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 1000 }, (_, i) => [
        `${i || 'schema'}.json`,
        i < 999 ? include(`${i + 1}.json`) : event('END'),
      ]),
    );
    const { tree, diagnostics } = await read(files);
    expect(diagnostics).toEqual([]);
    expect(tree.expressions).toHaveLength(1);
  });

  it('reads includes of absolute paths', async () => {
    const { tree } = await read({ 'schema.json': include('/lib/a.json'), 'lib/a.json': event('A') });
    expect(tree.modules.map(({ name }) => name)).toEqual(['schema.json', 'lib/a.json']);
  });

  it('reports why an included file cannot be read', async () => {
    const reasons: [error: unknown, reason: string][] = [
      [Object.assign(new Error(), { code: 'ENOENT' }), 'there is no such file'],
      [Object.assign(new Error(), { code: 'EISDIR' }), 'it is a folder'],
      [Object.assign(new Error(), { code: 'EACCES' }), 'permission denied'],
      [new Error('the disk is gone'), 'the disk is gone'],
      ['no words', 'no words'],
    ];
    for (const [error, reason] of reasons) {
      const host: FileHost = { read: () => Promise.reject(error), resolve: (path) => `/${path}` };
      const { tree, diagnostics } = await loadSyntax('schema.json', { host });
      expect(tree.modules).toEqual([]);
      expect(diagnostics).toMatchObject([
        { name: 'unreadable-schema', message: `cannot read 'schema.json': ${reason}`, related: [] },
      ]);
      expect(diagnostics[0]).not.toHaveProperty('span');
    }
  });
});

describe('pragmas', () => {
  it('replaces a pragma by a later one of any file', async () => {
    const { tree } = await read(
      {
        'schema.json': `{ 'pragma': { 'doc-required': true, 'command-name-exceptions': [ 'a', 'b' ] } }\n${include('a.json')}`,
        'a.json':
          "{ 'pragma': { 'command-name-exceptions': [ 'c' ] } }\n{ 'pragma': { 'member-name-exceptions': [ 'd' ] } }",
      },
      '10.1',
    );
    expect(tree.pragmas).toEqual({
      docRequired: true,
      commandNameExceptions: new Set(['c']),
      memberNameExceptions: new Set(['d']),
      commandReturnsExceptions: new Set(),
      documentationExceptions: new Set(),
    });
    expect(tree.expressions).toEqual([]);
  });

  it('accepts the names that pragmas had up to 5.2', async () => {
    const { tree } = await read(
      "{ 'pragma': { 'returns-whitelist': [ 'a' ], 'name-case-whitelist': [ 'b' ] } }",
      '5.2',
    );
    expect(tree.pragmas).toMatchObject({
      commandReturnsExceptions: new Set(['a']),
      memberNameExceptions: new Set(['b']),
    });
  });

  it('ignores a wrong pragma, and sets the others of the same object', async () => {
    const { tree, diagnostics } = await read(
      "{ 'pragma': { 'doc-required': 'yes', 'command-name-exceptions': [ 'a', true ], 'documentation-exceptions': [ 'b' ] } }",
      '10.1',
    );
    expect(diagnostics.map(({ name }) => name)).toEqual(['pragma-not-a-boolean', 'pragma-not-a-list']);
    expect(tree.pragmas).toMatchObject({
      docRequired: false,
      commandNameExceptions: new Set(),
      documentationExceptions: new Set(['b']),
    });
  });
});

describe('bytes', () => {
  const bytes = (...parts: (string | number)[]) =>
    Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from([part]))));
  const load = async (content: Uint8Array, release: string) => {
    const host: FileHost = { read: async () => content, resolve: (path) => `/${path}` };
    const { diagnostics } = await loadSyntax('schema.json', { host, dialect: dialect(release) });
    return diagnostics.map((found) => {
      const { line, column } = found.span?.file.positionAt(found.span.start) ?? { line: 0, column: 0 };
      return `${found.severity} ${found.name} ${line}:${column}`;
    });
  };

  it('reports bytes that are no UTF-8, up to 2.11 only outside comments', async () => {
    const latin1 = bytes('# caf', 0xe9, "\n{ 'event': 'E' }\n");
    expect(await load(latin1, '2.11')).toEqual([]);
    expect(await load(latin1, '2.12')).toEqual(['error malformed-encoding 1:6']);
    expect(await load(latin1, 'auto')).toEqual(['warning malformed-encoding 1:6']);
    expect(await load(bytes("{ 'event'", 0xe9, ": 'E' }"), '2.8')).toEqual(['error stray-text 1:10']);
  });

  it('reports the place of wrong bytes, also behind other characters beyond ASCII', async () => {
    expect(await load(bytes('# é\ufffd\r\n# ', 0xff, 0xff), '10.1')).toEqual(['error malformed-encoding 2:3']);
    expect(await load(bytes('# é\n# ', 0xe2, 0x82), '10.1')).toEqual(['error malformed-encoding 2:3']);
  });

  it('reports an empty file', async () => {
    for (const release of ['2.4', '10.1', 'auto']) expect(await load(bytes(), release)).toEqual([]);
  });
});

describe('the file system', () => {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-syntax-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('reads from the file system by default', async () => {
    mkdirSync(join(folder, 'sub'));
    writeFileSync(join(folder, 'schema.json'), include('sub/a.json') + include('sub') + include('missing.json'));
    writeFileSync(join(folder, 'sub/a.json'), event('A'));
    const { tree, diagnostics } = await loadSyntax(join(folder, 'schema.json'));
    expect(tree.modules.map(({ name }) => name)).toEqual(['schema.json', 'sub/a.json']);
    expect(diagnostics.map(({ message }) => message)).toEqual([
      "cannot read 'sub': it is a folder",
      "cannot read 'missing.json': there is no such file",
    ]);
  });
});
