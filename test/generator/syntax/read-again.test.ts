import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { DocBlock } from '../../../generator/syntax/doc-block.js';
import { memoryHost } from '../../../generator/syntax/host.js';
import { KnownFiles } from '../../../generator/syntax/known-files.js';
import { type LoadedSyntax, loadSyntax } from '../../../generator/syntax/load.js';
import type { SyntaxValue } from '../../../generator/syntax/tree.js';
import { SourceFile, type Span } from '../../../generator/text/source-file.js';
import { dialect, read } from './read.js';

const releases = ['2.8', '4.1', '8.2', '9.0', '11.1'];

const definition = "{ 'command': 'c', 'data': { 'a': 'int' } }";

const piece = fc.constantFrom(
  ...[definition, "{ 'enum': 'E', 'data': [ 'a', 'b' ] }", "{ 'command': 'd',", "'data': { 'a': null } }", '{', '}'],
  ...["{ 'pragma': { 'doc-required': true } }", "{ 'command': 'a\\u0062' }", "{ 'command': 'é' }", "'text'", 'true'],
  ...[
    '##\n# @c:\n#\n# Text.\n##',
    '##\n# @c:\n#\n# @a: One. Two.\n#\n# Since: 1\n##',
    '##\n# = Heading\n#\n# Text.\n##',
  ],
  ...['# comment', '##', '# @d:', '##x', '#text', '\n', '\n', '\n', ' ', '\t', '\ufeff', '\u001c', '\u00a0'],
);

/** All that was read, where, and what is wrong with it. */
function contents({ tree, diagnostics }: LoadedSyntax): unknown {
  return {
    modules: tree.modules.map(({ name, includes, docs }) => [name, includes, docs.map(docContents)]),
    expressions: tree.expressions.map(({ value, doc, broken }) => [
      valueContents(value),
      doc && docContents(doc),
      broken,
    ]),
    pragmas: tree.pragmas,
    diagnostics: diagnostics.map(({ span, related, definition, ...others }) => ({
      ...others,
      span: span && place(span),
      related: related.map((one) => [one.message, place(one.span)]),
      definition: definition && [definition.name, place(definition.span)],
    })),
  };
}

function place({ file, start, end }: Span): string {
  return `${file.path} ${start}-${end}`;
}

function valueContents(value: SyntaxValue): unknown {
  const parts =
    value.kind === 'object'
      ? value.pairs.values().map((pair) => [valueContents(pair.key), valueContents(pair.value)])
      : value.kind === 'array'
        ? value.elements.map(valueContents)
        : value.kind === 'null'
          ? null
          : value.value;
  return [value.kind, place(value.span), parts];
}

function docContents({ span, comment, symbol, body, arguments: described, features, sections }: DocBlock): unknown {
  const parts = [...described, ...features, ...sections].map((part) => [part.text, place(part.span)]);
  return [place(span), comment, symbol && [symbol.name, place(symbol.span)], body, parts];
}

/** Reads a text by the rules of `auto`, and then by those of a release with what is known from that. */
async function readKnowing(text: string, release: string, known = new KnownFiles()): Promise<LoadedSyntax> {
  const host = memoryHost({ 'schema.json': text });
  await loadSyntax('schema.json', { host, known });
  return await loadSyntax('schema.json', { host, known, dialect: dialect(release) });
}

it.each(releases)('what is known from reading a file changes nothing of what %s makes of it', async (release) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { minLength: 1, maxLength: 12 }).map((pieces) => pieces.join('\n')),
      async (text) => {
        expect(contents(await readKnowing(text, release))).toEqual(contents(await read(text, release)));
      },
    ),
    { numRuns: 100 },
  );
});

it('what is known from reading the schema of this package changes nothing of what 11.1 makes of it', async () => {
  const text = await readFile('qapi/block-core.json', 'utf8');
  const found = await readKnowing(text, '11.1');
  expect(found.tree.expressions.length).toBeGreaterThan(100);
  expect(contents(found)).toEqual(contents(await read(text, '11.1')));
});

it.each([
  ['is plain', definition, 1],
  ['has documentation', `##\n# @c:\n#\n# Text.\n##\n${definition} # why\n`, 1],
  ['has an escape', "{ 'command': 'a\\\\' }", undefined],
  ['has a character beyond ASCII in a string', "{ 'command': 'é' }", undefined],
  ['has the literal null', "{ 'command': 'c', 'data': { 'a': null } }", undefined],
  ['has documentation inside an expression', "{ 'command':\n## x\n'c' }", undefined],
  ['has a fault', `${definition} ]`, undefined],
])(
  'other releases know the expressions of a file that %s only if they are the same there',
  async (_what, text, count) => {
    const known = new KnownFiles();
    const host = memoryHost({ 'schema.json': text });
    const { tree } = await loadSyntax('schema.json', { host, known });
    const file = tree.modules[0]?.file as SourceFile;
    const path = host.resolve('schema.json');
    expect(known.get(path, file, dialect('11.1'))?.length).toBe(count);
    expect(known.get(path, new SourceFile(file.path, `${text} `), dialect('11.1'))).toBeUndefined();
    expect(known.get(path, file, dialect('2.8'))).toBeUndefined();
  },
);
