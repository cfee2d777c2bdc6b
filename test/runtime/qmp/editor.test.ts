import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { generate } from '../../../generator/emit/generate.js';
import { loadSchema } from '../../../generator/schema/load.js';
import { type Editor, editorFor } from '../../language-service.js';

const head = `import { connect } from 'qapi-ts/runtime';
import type { BlockdevOptions, Commands, Events } from './generated/client.js';
const client = await connect<{ commands: Commands; events: Events }>('/run/qmp.sock');
`;

let editor: Editor;

beforeAll(async () => {
  const { schema } = await loadSchema(join(import.meta.dirname, '../../../qapi/qapi-schema.json'));
  if (!schema) throw new Error('the schema is not valid');
  editor = editorFor(Object.fromEntries(generate(schema).map(({ path, text }) => [`generated/${path}`, text])));
}, 60_000);

const hover = (statement: string) => editor.hover(head + statement);
const definition = (statement: string) => editor.definition(head + statement);
const completions = (statement: string) => editor.completions(head + statement);

describe('hovering', () => {
  test('the name of a command shows what it takes and returns, its documentation, since when there is it, and an example', () => {
    const { signature, text } = hover(`client.commands['⟦block-commit⟧']({});`) ?? {};
    expect(signature).toMatch(/\(arguments: BlockCommitArguments, options\?: ExecuteOptions.*\) => Promise<void>$/);
    expect(text).toMatch(/^Start a job that copies data/);
    expect(text).toMatch(/^@since 1\.3$/m);
    expect(text).toMatch(/^@example .*await client\.commands\['block-commit'\]\(\{ device: /ms);
  });

  test.each(['on', 'once', 'events', 'waitFor'])('the name of an event behind %s shows its documentation', (method) => {
    const { signature, text } = hover(`client.${method}.⟦BLOCK_JOB_READY⟧(() => {});`) ?? {};
    expect(signature).toContain('BlockJobReadyData');
    expect(text).toMatch(/^A job has become ready.*@since 1\.3/s);
  });

  test('an argument shows its documentation', () => {
    expect(hover(`client.commands.eject({ ⟦force⟧: true });`)?.text).toMatch(/locked/);
  });
});

describe('going to the definition', () => {
  test('the definition of a command is in generated code', () => {
    expect(definition(`client.commands['⟦block-commit⟧']({});`)).toEqual({
      file: 'generated/block-core/client.ts',
      line: "'block-commit': { arguments: BlockCommitArguments; returns: void };",
    });
  });

  test('the definition of an event is in generated code', () => {
    expect(definition('client.waitFor.⟦BLOCK_JOB_READY⟧();')).toEqual({
      file: 'generated/block-core/client.ts',
      line: 'BLOCK_JOB_READY: { data: BlockJobReadyData };',
    });
  });
});

describe('completion', () => {
  test.each([`client.commands['⟦⟧']`, `client.execute('⟦⟧')`, `client.execute('⟦⟧', { device: 'd' })`])(
    'lists the commands: %s',
    (statement) => {
      expect(completions(statement)).toEqual(expect.arrayContaining(['query-block', 'block_resize', 'quit']));
      expect(completions(statement)).not.toContain('BLOCK_JOB_READY');
    },
  );

  test.each(["client.on('⟦⟧')", 'client.on.⟦⟧', "client.waitFor('⟦⟧')", "client.events(['⟦⟧'])"])(
    'lists the events: %s',
    (statement) => {
      expect(completions(statement)).toEqual(expect.arrayContaining(['BLOCK_JOB_READY', 'DEVICE_TRAY_MOVED']));
    },
  );

  test('lists the arguments', () => {
    expect(completions('client.commands.block_resize({ ⟦⟧ })')).toEqual(['size', '"node-name"', 'device']);
  });
});

/** Programs with a mistake, and the first line of what the compiler says. */
const mistakes: [mistake: string, program: string, message: string][] = [
  [
    'a misspelt command',
    "client.commands['query-blok']()",
    "Property 'query-blok' does not exist on type 'CommandMethods<Commands>'. Did you mean 'query-block'?",
  ],
  [
    'a misspelt command in execute',
    "client.execute('query-blok')",
    `Argument of type '"query-blok"' is not assignable to parameter of type '"block_resize" | "object-del" | "job-pause" | `,
  ],
  [
    'options in the place of arguments',
    "client.execute('query-block', { oob: true })",
    "Object literal may only specify known properties, and 'oob' does not exist in type 'QueryBlockArguments'.",
  ],
  ['no arguments', 'client.commands.block_resize()', 'Expected 1-2 arguments, but got 0.'],
  [
    'a missing argument',
    "client.commands.block_resize({ device: 'a' })",
    "Argument of type '{ device: string; }' is not assignable to parameter of type 'BlockResizeArguments'.\n  Property 'size' is missing",
  ],
  [
    'an argument of another type',
    "client.commands.block_resize({ size: '1' })",
    "Type 'string' is not assignable to type 'Int64'.",
  ],
  [
    'a misspelt option',
    'client.commands.block_resize({ size: 1 }, { timout: 1 })',
    "Object literal may only specify known properties, but 'timout' does not exist in type 'ExecuteOptions'. Did you mean to write 'timeout'?",
  ],
  [
    'a union without its tag',
    "client.commands['blockdev-add']({ filename: 'x' })",
    "Argument of type '{ filename: string; }' is not assignable to parameter of type 'BlockdevOptions'.\n  Property 'driver' is missing",
  ],
  [
    'a misspelt tag',
    "const o: BlockdevOptions = { driver: 'fil', filename: 'x' }",
    `Type '"fil"' is not assignable to type '"archipelago" | `,
  ],
  [
    'a misspelt member of a branch',
    "const o: BlockdevOptions = { driver: 'file', filenme: 'x' }",
    "Object literal may only specify known properties, but 'filenme' does not exist in type 'BlockdevOptions_File'. Did you mean to write 'filename'?",
  ],
  [
    'a member of another branch',
    "const o: BlockdevOptions = { driver: 'file', filename: 'x', server: {} }",
    "Object literal may only specify known properties, and 'server' does not exist in type 'BlockdevOptions_File'.",
  ],
  [
    'a misspelt member of a reply',
    "const [info] = await client.execute('query-block'); info?.devise",
    "Property 'devise' does not exist on type 'BlockInfo'. Did you mean 'device'?",
  ],
  [
    'a misspelt event',
    "client.on('BLOCK_JOB_REDY', () => {})",
    `Argument of type '"BLOCK_JOB_REDY"' is not assignable to parameter of type`,
  ],
  [
    'a misspelt event as a member',
    'client.waitFor.BLOCK_JOB_REDY()',
    "Property 'BLOCK_JOB_REDY' does not exist on type 'Waiting<{ commands: Commands; events: Events; }>'. Did you mean 'BLOCK_JOB_READY'?",
  ],
  [
    'a pattern that no event matches',
    "client.on('BLOK_*', () => {})",
    `is not assignable to parameter of type 'Pattern<{ commands: Commands; events: Events; }, "BLOK_*">'.\n  Type 'string' is not assignable to type 'NoEventMatches'.`,
  ],
  [
    'a misspelt member of an event',
    "client.on('BLOCK_JOB_READY', ({ data }) => data.devise)",
    "Property 'devise' does not exist on type 'BlockJobReadyData'. Did you mean 'device'?",
  ],
];

describe('what the compiler says of', () => {
  test.each(mistakes)('%s', (_, program, message) => {
    const complaints = editor.complaints(head + program);
    expect(complaints).toHaveLength(1);
    expect(complaints[0]).toContain(message);
  });
});
