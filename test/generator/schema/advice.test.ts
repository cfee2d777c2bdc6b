import { describe, expect, test } from 'vitest';
import { loadSchema, memoryHost } from '../../../generator/index.js';
import { placeOf } from '../../../generator/text/diagnostic.js';

/** What is found in a schema without a named release: the kind, the release, and the line. */
async function warnings(text: string): Promise<(string | number | undefined)[][]> {
  const { schema, diagnostics } = await loadSchema('schema.json', { host: memoryHost({ 'schema.json': text }) });
  expect(schema).toBeDefined();
  expect(diagnostics.every(({ severity }) => severity === 'warning')).toBe(true);
  return diagnostics.map((found) => [found.name, found.rejectedFrom, placeOf(found)?.line]);
}

const modes = "{ 'enum': 'Mode', 'data': [ 'a', 'b' ] }\n";

describe('what later releases reject is a warning that names the first of them', () => {
  test.each<[fault: string, schema: string, name: string, release: string, line?: number]>([
    ['a union without a discriminator', "{ 'union': 'Uu', 'data': { 'a': 'int' } }", 'missing-key', '6.2'],
    ['a type whose name is not CamelCase', "{ 'enum': 'mode_t', 'data': [] }", 'type-name-style', '6.0'],
    ['an event in lowercase', "{ 'event': 'disk-gone' }", 'event-name-style', '6.0'],
    ['a command with an underscore', "{ 'command': 'do_it' }", 'lowercase-name-style', '6.0'],
    [
      'a member with an uppercase letter',
      "{ 'event': 'GONE', 'data': { 'Who': 'str' } }",
      'lowercase-name-style',
      '2.6',
    ],
    ['a feature with an underscore', "{ 'command': 'run', 'features': [ 'a_b' ] }", 'lowercase-name-style', '7.1'],
    ['a name that starts with _', "{ 'command': 'run', 'data': { '_a': 'int' } }", 'malformed-name', '2.6'],
    ['an optional member called u', "{ 'command': 'run', 'data': { '*u': 'int' } }", 'reserved-member-name', '6.0'],
    ['a condition in C', "{ 'event': 'GONE', 'if': 'defined(A)' }", 'condition-symbol', '6.2'],
    ['a list of conditions', "{ 'event': 'GONE', 'if': [ 'A' ] }", 'malformed-condition', '6.2'],
    ['the literal null', "{ 'command': 'run', 'data': null }", 'stray-text', '4.2'],
    ['an escape', "{ 'enum': 'Mode', 'data': [ '\\u0061' ] }", 'unknown-escape', '4.2'],
    ['the type **', "{ 'command': 'run', 'data': { 'a': '**' }, 'gen': false }", 'unknown-type', '2.5'],
    ['a result in line', "{ 'command': 'run', 'returns': { 'a': 'int' } }", 'not-a-type', '2.5'],
    [
      'a union as arguments without boxed',
      `${modes}{ 'union': 'Uu', 'base': { 'e': 'Mode' }, 'discriminator': 'e', 'data': {} }\n{ 'command': 'run', 'data': 'Uu' }`,
      'union-not-boxed',
      '2.5',
      3,
    ],
    [
      'an alternate as arguments',
      "{ 'alternate': 'Ref', 'data': { 's': 'str', 'n': 'null' } }\n{ 'command': 'run', 'data': 'Ref', 'boxed': true }",
      'unusable-type',
      '4.2',
      2,
    ],
    [
      'a conditional argument without boxed',
      "{ 'command': 'run', 'data': { 'x': { 'type': 'int', 'if': 'A' } } }",
      'conditional-argument',
      '8.1',
    ],
    [
      'an alternate of int and number',
      "{ 'alternate': 'Ref', 'data': { 'i': 'int', 'n': 'number' } }",
      'indistinguishable-branches',
      '2.10',
    ],
    ['a deprecated type', "{ 'struct': 'Ss', 'data': {}, 'features': [ 'deprecated' ] }", 'feature-of-types', '5.0'],
    ['an unstable type', "{ 'struct': 'Ss', 'data': {}, 'features': [ 'unstable' ] }", 'feature-of-types', '6.2'],
    [
      'the 65th feature',
      `{ 'event': 'GONE', 'features': [ ${Array.from({ length: 63 }, (_, i) => `'f${i}'`).join(', ')} ] }`,
      'too-many-features',
      '10.0',
    ],
    ['a result before there was a pragma for it', "{ 'command': 'qom-get', 'returns': 'any' }", 'unusable-type', '2.9'],
    ['a pragma with the name that it had', "{ 'pragma': { 'returns-whitelist': [ 'run' ] } }", 'unknown-pragma', '6.0'],
    ['documentation in an expression', "{ 'command':\n##\n# inside\n##\n'run' }", 'expected-value', '2.9', 2],
  ])('%s', async (_fault, schema, name, release, line = 1) => {
    expect(await warnings(schema)).toEqual([[name, release, line]]);
  });
});

/** Documentation of a command `run`, line by line, and the command. */
function documented(lines: readonly string[], rest = ''): string {
  return `${['##', '# @run:', '#', ...lines.map((line) => `# ${line}`.trimEnd()), '##'].join('\n')}\n{ 'command': 'run'${rest} }\n`;
}

describe('problems of documentation that later releases reject are warnings', () => {
  test.each<[fault: string, schema: string, name: string, release: string, line: number]>([
    [
      'a second list of features',
      documented(
        ['Features:', '', '@new: a', '', 'Since: 1', '', 'Features:', '', '@old: b'],
        ", 'features': [ 'new', 'old' ]",
      ),
      'repeated-section',
      '9.0',
      10,
    ],
    ['an empty list of features', documented(['Features:', '', 'Since: 1']), 'features-without-description', '9.0', 6],
    ['a result of nothing', documented(['Run.', '', 'Returns: nothing']), 'returns-nothing', '9.0', 6],
    [
      'a line that is indented less',
      documented(['Run.', '', 'Since: 1', '    more', '  less']),
      'unexpected-dedent',
      '5.2',
      8,
    ],
    ['a note in a section', documented(['Run.', '', 'Note: careful']), 'outdated-section', '9.1', 6],
    ['a long line', documented(['Run '.repeat(20)]), 'long-documentation-line', '10.2', 4],
    ['one blank between sentences', documented(['Run. Stop.']), 'one-blank-after-sentence', '10.2', 4],
    [
      'a member that is not described',
      documented(['Run.'], ", 'data': { 'x': 'int' }"),
      'undescribed-member',
      '9.0',
      6,
    ],
  ])('%s', async (_fault, schema, name, release, line) => {
    expect(await warnings(schema)).toContainEqual([name, release, line]);
  });

  test('documentation from before there were rules gets no advice', async () => {
    const schema =
      "##\n# @run:\n#\n# @x: #optional what. It is\n##\n{ 'command': 'run', 'data': { '*x': 'int', '*y': 'int' } }";
    expect(await warnings(schema)).toEqual([]);
  });
});

describe('advice', () => {
  test('a schema that is right in the newest release gets no advice', async () => {
    expect(await warnings(documented(['Run.', '', 'Since: 1']))).toEqual([]);
  });

  test('the message says from when on something is rejected', async () => {
    const host = memoryHost({ 'schema.json': "{ 'event': 'gone' }" });
    const { diagnostics } = await loadSchema('schema.json', { host });
    expect(diagnostics).toMatchObject([
      { code: 'QAPI3107', message: expect.stringMatching(/\(rejected from 6\.0 on\)$/), hint: "for instance 'GONE'" },
    ]);
  });

  test('shows the first of what a schema does throughout, and how many there are', async () => {
    const schema = Array.from({ length: 7 }, (_, i) => `{ 'command': 'do_${i}' }`).join('\n');
    const { diagnostics } = await loadSchema('schema.json', { host: memoryHost({ 'schema.json': schema }) });
    expect(diagnostics).toHaveLength(1);
    expect(diagnostics[0]?.message).toMatch(/'do_0'.*\(rejected from 6\.0 on; so are 6 others like this\)$/);
  });

  test('there is no advice where a release is named, nor where none is wanted', async () => {
    const host = memoryHost({ 'schema.json': "{ 'command': 'do_it' }" });
    expect((await loadSchema('schema.json', { host, dialect: '5.2' })).diagnostics).toEqual([]);
    expect((await loadSchema('schema.json', { host, advice: false })).diagnostics).toEqual([]);
  });

  test('reads every file once', async () => {
    const paths: string[] = [];
    const files = memoryHost({ 'schema.json': "{ 'include': 'a.json' }", 'a.json': "{ 'command': 'do_it' }" });
    const read = (path: string) => {
      paths.push(path);
      return files.read(path);
    };
    await loadSchema('schema.json', { host: { ...files, read } });
    expect(paths).toEqual(['schema.json', 'a.json']);
  });
});
