import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { DocBlock } from '../../../generator/syntax/doc-block.js';
import { memoryHost } from '../../../generator/syntax/host.js';
import { KnownFiles } from '../../../generator/syntax/known-files.js';
import { type LoadedSyntax, loadSyntax } from '../../../generator/syntax/load.js';
import { parseFile } from '../../../generator/syntax/parse-file.js';
import { Problems } from '../../../generator/syntax/problem.js';
import { readSoundFile } from '../../../generator/syntax/sound-file.js';
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

/** What is at the top level of a file and when, by the reader of sound files and by the one that recovers from faults. */
function readTwice(text: string, release: string) {
  const file = new SourceFile('schema.json', text);
  const reading = () => ({ file, dialect: dialect(release), problems: new Problems(file) });
  const [sound, any] = [readSoundFile(reading()), parseFile(reading())].map(
    (parsed) =>
      parsed && {
        ...parsed,
        items: parsed.items.map((item) =>
          item.kind === 'documentation'
            ? { ...item, blocks: item.blocks.map(docContents) }
            : { ...item, value: valueContents(item.value) },
        ),
      },
  );
  return { sound, any };
}

it.each([...releases, 'auto'])(
  'a file without faults is read as the parser reads it, by the rules of %s',
  (release) => {
    let count = 0;
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 1, maxLength: 5 }),
        fc.constantFrom('\n', ' ', ' # why\n'),
        (pieces, between) => {
          const { sound, any } = readTwice(pieces.join(between), release);
          if (!sound) return;
          count++;
          expect(sound).toEqual(any);
        },
      ),
      { numRuns: 600, seed: 8 },
    );
    expect(count).toBeGreaterThan(50);
  },
);

it.each([
  ['nothing', ''],
  ['pairs and elements', "{ 'a': [ 'b', [], {}, [ true ] ], 'c': { 'd': false } }{'e':'f'}"],
  ['comments between tokens', "# a\n{ 'b' # c\n: # d\n'e' }\n# f"],
  ['documentation', `##\n# @c:\n#\n# @a: it\n##\n${definition}\n##\n# = Other\n##`],
])('a file is read without the parser when it holds %s', (_what, text) => {
  for (const release of ['2.8', '9.0', 'auto']) {
    const { sound, any } = readTwice(text, release);
    expect(sound).toBeDefined();
    expect(sound).toEqual(any);
  }
});

it.each([
  ['a comma too few', "{ 'a': 'b' 'c': 'd' }"],
  ['a comma too many', "{ 'a': [ 'b', ] }"],
  ['a comma in place of an item', "{ , 'a': 'b' }"],
  ['a key twice', "{ 'a': 'b', 'a': 'c' }"],
  ['no colon', "{ 'a' 'b' }"],
  ['no value', "{ 'a': }"],
  ['no end', "{ 'a': [ 'b'"],
  ['a string without end', "{ 'a': 'b\n' }"],
  ['an escape', "{ 'a': 'b\\\\' }"],
  ['null', "{ 'a': null }"],
  ['a longer word', "{ 'a': truely }"],
  ['a value that is no object', "'a'"],
  ['a definition inside another', "{ 'a': [\n{ 'command': 'b' } ] }"],
  ['documentation inside an expression', "{ 'a':\n## b\n'c' }"],
  ['a hundred levels', `{ 'a': ${'['.repeat(100)}${']'.repeat(100)} }`],
])('a file is left to the parser when it has %s', (_what, text) => {
  expect(readTwice(text, 'auto').sound).toBeUndefined();
});
