import { describe, expect, it } from 'vitest';
import { Dialect } from '../../../generator/syntax/dialect.js';
import type { DocBlock } from '../../../generator/syntax/doc-block.js';
import { loadSyntax } from '../../../generator/syntax/load.js';
import { corpusPath, describeWithCorpus } from '../../corpus.js';
import { dialect, read } from './read.js';

/** What a block says, without places. */
function contentsOf({ symbol, body, arguments: args, features, sections }: DocBlock) {
  return {
    symbol: symbol?.name,
    body,
    arguments: Object.fromEntries(args.map(({ name, text }) => [name, text])),
    features: Object.fromEntries(features.map(({ name, text }) => [name, text])),
    sections: sections.map(({ tag, text }) => [tag, text]),
  };
}

/** The documentation of the only definition in a text. */
async function documentationOf(text: string, release: string) {
  const { tree, diagnostics } = await read(text, release);
  const [expression] = tree.expressions;
  return { diagnostics: diagnostics.map(({ name }) => name), ...(expression?.doc && contentsOf(expression.doc)) };
}

const today = `##
# @reset:
#
# Reset the machine.
#
# A list:
#
# - one,
#   on two lines
#
# .. qmp-example::
#
#     -> { "execute": "reset" }
#     <- { "return": {} }
#
# @now: at once,
#     without asking
#
#     .. note:: this hurts
#
# @later: when
#     there is time
#
# Features:
#
# @quick: takes
#     no time
#
# Returns: nothing
#     at all
#
# Some words more.
#
# Since: 1.0
##
{ 'command': 'reset', 'data': { '*now': 'bool' } }
`;

describe('a documentation block of today', () => {
  it.each(['9.0', '9.1', '10.1', 'auto'])('the documentation block is read by %s', async (release) => {
    expect(await documentationOf(today, release)).toEqual({
      diagnostics: [],
      symbol: 'reset',
      body: 'Reset the machine.\n\nA list:\n\n- one,\n  on two lines\n\n.. qmp-example::\n\n    -> { "execute": "reset" }\n    <- { "return": {} }'.replaceAll(
        '\\\n',
        '\n',
      ),
      arguments: { now: 'at once,\nwithout asking\n\n.. note:: this hurts', later: 'when\nthere is time' },
      features: { quick: 'takes\nno time' },
      sections: [
        ['Returns', 'nothing\nat all'],
        [undefined, 'Some words more.'],
        ['Since', '1.0'],
      ],
    });
  });
});

const classic = `##
# @reset:
#
# Reset the machine.
# @now: at once
# @later: when there
#         is time
#
#         or never
#
# It is slow.
#
# Returns: nothing
#
#          at all
# Example:
#
# -> { "execute": "reset",
#      "arguments": {} }
#
# <- { "return": {} }
#
# Notes: 1. beware
#
#        2. again
##
{ 'command': 'reset', 'data': { '*now': 'bool' } }
`;

describe('a documentation block of 2017', () => {
  it.each(['2.9', '4.1', '5.1', '5.2', '8.0', '8.2'])('the documentation block is read by %s', async (release) => {
    const { arguments: args, sections, body } = await documentationOf(classic, release);
    expect(body).toBe('Reset the machine.');
    expect(args).toEqual({ now: 'at once', later: 'when there\nis time\n\nor never' });
    expect(sections).toEqual([
      [undefined, 'It is slow.'],
      ['Returns', 'nothing\n\nat all'],
      ['Example', '-> { "execute": "reset",\n     "arguments": {} }\n\n<- { "return": {} }'],
      ['Notes', '1. beware\n\n2. again'],
    ]);
  });

  it('the documentation block is read without naming the release', async () => {
    const { diagnostics, arguments: args, sections } = await documentationOf(classic, 'auto');
    expect(diagnostics).toEqual([]);
    expect(args).toEqual({ now: 'at once', later: 'when there\nis time\n\nor never' });
    expect(sections?.map(([tag]) => tag)).toEqual([undefined, 'Returns', 'Example', 'Notes']);
  });
});

describe('a documentation block of before 2.9', () => {
  const old = `##
# @reset
#
# Reset the machine.
#
# @now: #optional at once (since 1.1)
#
# @later : #optional, when there is time
#
# Returns: nothing
#
# Since 1.0
##
{ 'command': 'reset', 'data': { '*now': 'bool' } }
`;
  const contents = {
    diagnostics: [],
    symbol: 'reset',
    body: 'Reset the machine.',
    arguments: { now: 'at once (since 1.1)', later: 'when there is time' },
    features: {},
    sections: [
      ['Returns', 'nothing'],
      ['Since', '1.0'],
    ],
  };

  it.each(['2.4', '2.8', 'auto'])('says the same to %s, and nothing is wrong with it', async (release) => {
    expect(await documentationOf(old, release)).toEqual(contents);
  });

  it.each([
    ['no opening mark', old.replace('##\n', '')],
    ['two opening marks', `##\n${old}`],
    ['no closing mark', old.replace(/##\n(?=\\{)/, '')],
    ['a long closing mark', old.replace(/##\n(?=\\{)/, '###\n')],
    ['a blank first line', old.replace('##\n', '##\n#\n')],
    ['its name behind the mark', old.replace('##\n# @reset', '## @reset')],
    ['an empty block before it', `##\n##\n${old}`],
    ['another block before it', `##\n# = Machines\n##\n\n${old}`],
    ['another unclosed block before it', `##\n# @other\n\n{ 'event': 'E' }\n${old}`],
    ['indentation', old.replaceAll(/^#/gm, '  #')],
    ['carriage returns', old.replaceAll('\n', '\r\n')],
  ])('the documentation block is read with %s', async (_title, text) => {
    for (const release of ['2.8', 'auto']) {
      const { tree, diagnostics } = await read(text, release);
      const doc = tree.expressions.at(-1)?.doc;
      expect(doc && { diagnostics, ...contentsOf(doc) }).toEqual(contents);
      expect(tree.documentationChecked).toBe(false);
    }
  });

  it('does not belong to a definition of another name', async () => {
    const { tree } = await read(old.replace("'reset'", "'restart'"), '2.8');
    expect(tree.expressions[0]?.doc).toBeUndefined();
    expect(tree.modules[0]?.docs).toHaveLength(1);
  });
});

describe('without naming the release', () => {
  it.each([
    ['a name without colon', '##\n# @reset\n##', 'symbol-without-colon'],
    ['no name', '##\n# @:\n##', 'missing-symbol'],
    ['text behind the opening mark', '## now\n# @reset:\n##', 'text-after-doc-mark'],
    ['no blank', '##\n# @reset:\n#now\n##', 'doc-without-blank'],
    ['no end', '##\n# @reset:', 'unclosed-documentation'],
    ['the same member twice', '##\n# @reset:\n# @a: x\n# @a: y\n##', 'repeated-description'],
    ['no member', '##\n# @reset:\n# @: x\n##', 'description-without-name'],
    ['a member after a section', '##\n# @reset:\n# Since: 1\n# @a: y\n##', 'description-after-section'],
    ['the same section twice', '##\n# @reset:\n# Since: 1\n# Since: 2\n##', 'repeated-section'],
    ['a section without text', '##\n# @reset:\n# Since:\n##', 'empty-section'],
    ['no name before a definition', '##\n# Reset.\n##', 'documentation-without-symbol'],
    ['no definition', "##\n# @a:\n##\n{ 'pragma': {} }", 'documentation-without-definition'],
    ['a member in free text', "##\n# Text.\n# @a: b\n##\n{ 'pragma': {} }", 'description-in-free-form'],
  ])('%s is only a warning', async (_title, text, name) => {
    const { diagnostics } = await read(`${text}\n{ 'command': 'reset' }\n`);
    expect(diagnostics.map((found) => [found.name, found.severity])).toEqual([[name, 'warning']]);
  });

  it.each([
    ['unindented lines, which 5.2 to 8.0 and 9.0 reject', '# @a: x\n# y'],
    ['headings, which 5.2 to 10.0 reject', '# = Title'],
    ['notes and examples, which 9.1 rejects', '# Note: x\n#\n# Example: y'],
    ['features without descriptions', '# Features:\n#\n# words'],
    ['tags with two colons', '# Note::\n#\n#     x'],
    ['a section of words that starts like a description', '# Since: 1\n#\n# words\n# @a: words'],
  ])('%s are fine', async (_title, lines) => {
    const { diagnostics } = await read(`##\n# @reset:\n#\n${lines}\n##\n{ 'command': 'reset' }\n`);
    expect(diagnostics).toEqual([]);
  });

  it('comments inside expressions are only comments', async () => {
    const { diagnostics } = await read("{ 'command': 'reset',\n##\n# @now:\n##\n  'data': {} }");
    expect(diagnostics).toEqual([]);
  });
});

describe('an introduction', () => {
  it.each(['11.1', 'auto'])(
    'an introduction is read by %s without its indentation, whatever follows',
    async (release) => {
      const text =
        '##\n# @Cat:\n#\n#     A cat.\n#\n#       Of the house.\n#\n# Mostly.\n#\n# @name: what it hears\n##\n';
      const { tree } = await read(`${text}{ 'struct': 'Cat', 'data': { 'name': 'str' } }`, release);
      const doc = tree.expressions[0]?.doc;
      expect(doc?.body).toBe('A cat.\n\n  Of the house.\n\nMostly.');
      expect(doc?.arguments).toMatchObject([{ name: 'name', text: 'what it hears' }]);
      expect(doc?.sections).toEqual([]);
    },
  );

  it.each(['11.1', 'auto'])('ends at a section directly below it: %s', async (release) => {
    const text = '##\n# @Cat:\n#     A cat\n#     of the house.\n# Since: 9.0\n##\n';
    const { tree } = await read(`${text}{ 'struct': 'Cat', 'data': {} }`, release);
    const doc = tree.expressions[0]?.doc;
    expect(doc?.body).toBe('A cat\nof the house.');
    expect(doc?.sections).toMatchObject([{ tag: 'Since', text: '9.0' }]);
  });
});

describe('places', () => {
  it('records the places of names and sections', async () => {
    const { tree } = await read(today, '10.1');
    const doc = tree.expressions[0]?.doc;
    const cut = (span: { start: number; end: number } | undefined) => span && today.slice(span.start, span.end);
    expect(cut(doc?.span)?.split('\n').at(0)).toBe('##');
    expect(cut(doc?.span)?.split('\n').at(-1)).toBe('##');
    expect(cut(doc?.symbol?.span)).toBe('reset');
    expect(doc?.arguments.map(({ span }) => cut(span))).toEqual(['@now', '@later']);
    expect(doc?.sections.map(({ span }) => cut(span))).toEqual([
      'Returns: nothing\n#     at all',
      'Some words more.',
      'Since: 1.0',
    ]);
  });
});

describeWithCorpus('the documentation of a release', 'releases', () => {
  it.each([
    ['11.1', 'qapi/qapi-schema.json', 5],
    ['10.1', 'qapi/qapi-schema.json', 5],
    ['9.0-rc', 'qapi/qapi-schema.json', 0],
    ['7.2', 'qapi/qapi-schema.json', 5],
    ['6.0', 'qapi/qapi-schema.json', 6],
    ['4.2', 'qapi/qapi-schema.json', 12],
    ['2.8-dev', 'qapi-schema.json', 0],
  ])('%s says the same to the release and without naming it, apart from a few slips', async (release, file, slips) => {
    const path = corpusPath('releases', release, file);
    const strict = await loadSyntax(path, { dialect: dialect(release.replace('-rc', '').replace('2.8-dev', '2.8')) });
    const lenient = await loadSyntax(path, { dialect: Dialect.auto });
    expect(strict.diagnostics).toEqual([]);
    expect(lenient.diagnostics).toEqual([]);
    const documented = (tree: typeof strict.tree) =>
      new Map(tree.expressions.flatMap(({ doc }) => (doc ? [[doc.symbol?.name, contentsOf(doc)]] : [])));
    const expected = documented(strict.tree);
    const different = [...documented(lenient.tree)].filter(
      ([name, contents]) => expected.has(name) && JSON.stringify(contents) !== JSON.stringify(expected.get(name)),
    );
    expect(different.length).toBeLessThanOrEqual(slips);
    expect(expected.size).toBeGreaterThan(400);
  });
});
