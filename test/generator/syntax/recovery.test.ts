import { describe, expect, it } from 'vitest';
import type { Expression } from '../../../generator/syntax/tree.js';
import { marked } from '../../marked.js';
import { read, withMarks } from './read.js';

/** A text with what is wrong with it marked, the problems in order, and what it defines. */
async function recover(text: string, release = '10.1') {
  const { tree, diagnostics } = await read(text, release);
  return {
    source: withMarks(text, diagnostics),
    names: diagnostics.map(({ name }) => name),
    defined: tree.expressions.map(nameOf),
  };
}

/** The name that an expression defines; in parentheses when it is broken. */
function nameOf({ value, broken }: Expression): string {
  const [first] = value.pairs.values();
  const name = first?.value.kind === 'string' ? first.value.value : '?';
  return broken ? `(${name})` : name;
}

const before = "{ 'command': 'before' }\n";
const after = "\n{ 'command': 'after' }\n";

describe('after one mistake', () => {
  it.each([
    ['a missing comma between pairs', "{ 'command': 'c' ⟦'data'⟧: 'T' }", 'missing-comma'],
    ['a missing comma between elements', "{ 'enum': 'c', 'data': [ 'a' ⟦'b'⟧, 'd' ] }", 'missing-comma'],
    ['a missing comma before an object', "{ 'enum': 'c', 'data': [ 'a' ⟦{⟧ 'name': 'b' } ] }", 'missing-comma'],
    ['a trailing comma', "{ 'enum': 'c', 'data': [ 'a', ⟦]⟧ }", 'trailing-comma'],
    ['a leading comma', "{ ⟦,⟧ 'command': 'c' }", 'extra-comma'],
    ['a double comma', "{ 'command': 'c', ⟦,⟧ 'data': 'T' }", 'extra-comma'],
    ['a missing colon', "{ 'command': 'c', 'data' ⟦'T'⟧ }", 'missing-colon'],
    ['an equals sign for a colon', "{ 'command': 'c', 'data' ⟦=⟧ 'T' }", 'stray-text'],
    ['a semicolon for a comma', "{ 'command': 'c'⟦;⟧ 'data': 'T' }", 'stray-text'],
    ['a semicolon behind the definition', "{ 'command': 'c' }⟦;⟧", 'stray-text'],
    ['a number', "{ 'command': 'c', 'data': ⟦12⟧ }", 'stray-text'],
    ['a bare key', "{ 'command': 'c', ⟦data⟧: 'T' }", 'stray-text'],
    ['a string in double quotes', "{ 'command': 'c', ⟦\"data: x\"⟧: 'T' }", 'stray-text'],
    ['a comment of another language', "{ 'command': 'c', ⟦// it's a comment { [⟧\n  'data': 'T' }", 'stray-text'],
    ['a missing value', "{ 'command': 'c', 'data': ⟦}⟧", 'expected-value'],
    ['a missing value before a comma', "{ 'command': 'c', 'data': ⟦,⟧ 'boxed': true }", 'expected-value'],
    ['an object for a key', "{ 'command': 'c', ⟦{⟧ 'data': 'T' } }", 'expected-key'],
    ['a repeated key', "{ 'command': 'c', 'command': ⟦'d'⟧ }", 'repeated-key'],
    ['a brace that closes an array', "{ 'enum': 'c', 'data': [ 'a', 'b' ⟦}⟧", 'unclosed'],
    ['a brace for a bracket', "{ 'enum': 'c', 'data': [ 'a', 'b' ⟦}⟧ }", 'unclosed'],
    ['a bracket for a brace', "{ 'struct': 'c', 'data': { 'a': 'b' ⟦]⟧ }", 'unclosed'],
    ['a brace too many', "{ 'command': 'c' } ⟦}⟧", 'expected-expression'],
    ['words between definitions', "{ 'command': 'c' }\n⟦and so on⟧", 'stray-text'],
    ['an unclosed string', "{ 'command': 'c', 'data': ⟦'T }⟧\n", 'unclosed-string'],
    ['a missing closing quote', "{ 'command': 'c', 'data: '⟦T⟧' }", 'stray-text'],
  ])('%s, what follows is read', async (_title, source, ...names) => {
    const whole = before + source + after;
    const found = await recover(marked(whole).text);
    expect({ ...found, defined: found.defined.length }).toEqual({ source: whole, names, defined: 3 });
    expect([found.defined[0], found.defined.at(-1)]).toEqual(['before', 'after']);
  });
});

describe('a definition that is not closed', () => {
  it.each([
    ['the next definition tells', "{ 'struct': 'S', 'data': { 'a': 'int' }\n⟦{⟧ 'command': 'c' }\n", ['(S)', 'c']],
    ['an open array', "{ 'enum': 'E', 'data': [ 'a', 'b'\n⟦{⟧ 'command': 'c' }\n", ['(E)', 'c']],
    ['the documentation of the next one tells', "{ 'event': 'E'\n⟦##⟧\n# @c:\n##\n{ 'command': 'c' }\n", ['(E)', 'c']],
    ['the end of the file tells', "{ 'struct': 'S', 'data': { 'a': [ 'int'⟦⟧\n", ['(S)']],
    ['each of several', "{ 'event': 'E'\n⟦{⟧ 'event': 'F'\n⟦{⟧ 'event': 'G' }\n", ['(E)', '(F)', 'G']],
  ])('%s', async (_title, source, defined) => {
    const found = await recover(marked(source).text);
    expect(found.source).toBe(source);
    expect(found.defined).toEqual(defined);
    expect(new Set(found.names)).toEqual(new Set(['unclosed']));
  });

  it('reports a definition that is not closed as one mistake, whatever is open', async () => {
    const { diagnostics } = await read("{ 'struct': 'S', 'data': { 'a': [ { 'type': [");
    expect(diagnostics.map(({ name }) => name)).toEqual(['expected-value']);
  });

  it('names the bracket that is still open', async () => {
    const { text, stretches } = marked("{ 'struct': 'S', 'data': ⟦{⟧ 'a': 'int'\n{ 'command': 'c' }\n");
    const { diagnostics } = await read(text);
    expect(diagnostics[0]?.related.map(({ span: { start, end } }) => ({ start, end }))).toEqual(stretches);
  });
});

describe('what looks like a new definition', () => {
  it('reads what looks like a definition as an element or a member where it is one', async () => {
    const { tree, diagnostics } = await read(
      "{ 'struct': 'S', 'data': [\n{ 'struct': 'T' },\n{ 'enum': 'E' } ],\n'x':\n{ 'event': 'F' } }",
    );
    expect(diagnostics).toEqual([]);
    expect(tree.expressions).toHaveLength(1);
  });
});

describe('several mistakes', () => {
  it('reports all mistakes in order, and nothing else', async () => {
    const source = [
      "{ 'struct': 'S' ⟦'data'⟧: {} }",
      "{ 'enum': 'E', 'data': [ 'a', ⟦1⟧, ⟦2⟧, 'b' ] }",
      "{ 'command': 'c', 'data': { 'a': 'str', 'b' ⟦'int'⟧ } }",
      "{ 'event': ⟦}⟧",
      "{ 'event': 'G' }",
      "⟦]⟧ [ 'x' ]",
      "{ 'event': 'H', ⟦}⟧",
    ].join('\n');
    const found = await recover(marked(source).text);
    expect(found.source).toBe(source);
    expect(found.names).toEqual([
      'missing-comma',
      'stray-text',
      'stray-text',
      'missing-colon',
      'expected-value',
      'expected-expression',
      'trailing-comma',
    ]);
    expect(found.defined).toEqual(['(S)', '(E)', '(c)', '(?)', 'G', '(H)']);
  });
});

describe('hints', () => {
  it.each([
    ["{ 'a': 1.5 }", "there are no numbers: write '1.5' in quotes"],
    ['{ "a": true }', "write 'a': strings stand in single quotes"],
    ["{ 'a': True }", 'did you mean true?'],
    ["{ 'a': null }", "'null' is known until release 4.1: leave out what has no value"],
    ["{ 'a': b }", "strings stand in single quotes: 'b'"],
    ['// a', "comments start with '#'"],
    ["{ 'a' = 'b' }", "':' stands between a key and its value"],
    ["{ 'a, 'b' }", "is a ' missing before or after this?"],
    ['\ufeff{}', 'save the file without a byte order mark'],
    ["{ 'pragma': { 'doc-requierd': true } }", "did you mean 'doc-required'?"],
    [
      "{ 'pragma': { 'returns-whitelist': [] } }",
      "'returns-whitelist' is known until release 5.2; did you mean 'command-returns-exceptions'?",
    ],
  ])('%s', async (text, hint) => {
    const { diagnostics } = await read(text, '10.1');
    expect(diagnostics[0]?.hint).toBe(hint);
  });
});
