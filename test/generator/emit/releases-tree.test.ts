import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generate } from '../../../generator/emit/generate.js';
import { generateReleases } from '../../../generator/emit/releases/generate-releases.js';
import type { Release } from '../../../generator/emit/releases/versions.js';
import type { GeneratedFile } from '../../../generator/emit/target.js';
import type { Schema } from '../../../generator/index.js';
import { corpusPath, describeWithCorpus } from '../../corpus.js';
import { compileGenerated } from './compile.js';
import { project, schemaAt, schemaOf, textOf } from './fixture.js';

const schemas = {
  '7.2': `
{ 'enum': 'Mode', 'data': [ 'fast', 'old' ] }
{ 'enum': 'State', 'data': [ 'on', 'broken' ] }
{ 'enum': 'Driver', 'data': [ 'file', 'raw' ] }
{ 'struct': 'Base', 'data': { 'driver': 'Driver' } }
{ 'struct': 'Medium', 'data': { 'filename': 'str', '*cache': 'int' } }
{ 'struct': 'Raw', 'data': { 'offset': 'int' } }
{ 'union': 'Options', 'base': 'Base', 'discriminator': 'driver', 'data': { 'file': 'Medium', 'raw': 'Raw' } }
{ 'struct': 'Info', 'data': { 'state': 'State', 'gone': 'str', '*later': 'int' } }
{ 'command': 'query-info', 'returns': 'Info' }
{ 'command': 'open', 'data': { 'mode': 'Mode', 'options': 'Options', '*number': 'int32', '*must': 'str' } }
{ 'command': 'old-one' }
{ 'event': 'OLD' }
{ 'event': 'BOTH', 'data': { 'a': 'str' } }
`,
  '9.0': `
{ 'enum': 'Mode', 'data': [ 'fast', 'safe' ] }
{ 'enum': 'State', 'data': [ 'on', 'off' ] }
{ 'enum': 'Driver', 'data': [ 'file', 'raw', 'net' ] }
{ 'struct': 'Base', 'data': { 'driver': 'Driver' } }
##
# @Medium:
#
# @direct: around the cache
##
{ 'struct': 'Medium', 'data': { 'filename': 'str', '*cache': 'int', '*direct': 'bool' } }
{ 'struct': 'Raw', 'data': { '*offset': 'int' } }
{ 'struct': 'Net', 'data': { 'host': 'str' } }
{ 'union': 'Options', 'base': 'Base', 'discriminator': 'driver', 'data': { 'file': 'Medium', 'raw': 'Raw', 'net': 'Net' } }
{ 'struct': 'Info', 'data': { 'state': 'State', 'later': 'int', 'new': 'str' } }
{ 'command': 'query-info', 'returns': 'Info' }
{ 'command': 'open', 'data': { 'mode': 'Mode', 'options': 'Options', '*number': 'int32', 'must': 'str' } }
##
# @new-one:
#
# It is new.
##
{ 'command': 'new-one', 'data': { 'x': 'int' } }
{ 'event': 'NEW' }
{ 'event': 'BOTH', 'data': { 'a': 'str', 'b': 'str' } }
`,
};

async function releases(): Promise<Release[]> {
  return Promise.all(Object.entries(schemas).map(async ([name, text]) => ({ name, schema: await schemaOf(text) })));
}

/** Lines that have to compile, and lines that must not, each after the reason. */
const program = `
import { type QmpClient, since } from 'qapi-ts/runtime';
import type { Events, Medium, Info, Mode, Options, Schema } from './client.js';

export async function use(client: QmpClient<Schema>): Promise<unknown> {
  const file: Options<'7.2' | '9.0'> = { driver: 'file', filename: 'a', cache: 1 };
  await client.commands.open({ mode: 'fast', options: file, must: 'x' });
  // @ts-expect-error mandatory in one of the releases
  await client.commands.open({ mode: 'fast', options: file });
  // @ts-expect-error a value that only the later has
  await client.commands.open({ mode: 'safe', options: file, must: 'x' });
  // @ts-expect-error a member that only the later has
  await client.commands.open({ mode: 'fast', options: { driver: 'file', filename: 'a', direct: true }, must: 'x' });
  // @ts-expect-error a branch that only the later has
  await client.commands.open({ mode: 'fast', options: { driver: 'net', host: 'a' }, must: 'x' });
  // @ts-expect-error mandatory before
  await client.commands.open({ mode: 'fast', options: { driver: 'raw' }, must: 'x' });
  await client.commands.open({ mode: 'fast', options: { driver: 'raw', offset: 1 }, must: 'x' });
  // @ts-expect-error a command that only the later has
  client.commands['new-one'];
  // @ts-expect-error a command that only the older has
  client.commands['old-one'];

  const newer = client.since('9.0');
  if (newer) {
    await newer.commands['new-one']({ x: 1 });
    await newer.commands.open({ mode: 'safe', options: { driver: 'net', host: 'a' }, must: 'x' });
    await newer.commands.open({ mode: 'safe', options: { driver: 'raw' }, must: 'x' });
    // @ts-expect-error a value that only the older has
    await newer.commands.open({ mode: 'old', options: { driver: 'raw' }, must: 'x' });
    const { new: text }: { new: string } = await newer.commands['query-info']();
    return text;
  }
  const info = await client.commands['query-info']();
  const state: 'on' | 'off' | 'broken' = info.state;
  // @ts-expect-error what only some releases have may be absent
  const gone: string = info.gone;
  // @ts-expect-error it may have been optional
  const later: Info<'7.2'> & { later: number } = info;
  // @ts-expect-error no such release
  client.since('9.1');
  // @ts-expect-error no such release
  since(client, '9.1');
  await since(client, '9.0')?.commands['new-one']({ x: 1 });
  return [state, gone, later];
}

// @ts-expect-error a client of one release
export const other = (client: QmpClient<{ commands: object; events: object }>): unknown => client.since('9.0');
// @ts-expect-error a client without types
export const untyped = (client: QmpClient): unknown => client.since('9.0');
/** Clients fit where the commands agree, whether they are of several releases or of one. */
export const fits = (client: QmpClient<Schema>): QmpClient<{ commands: object; events: object }> => client;

export const direct: Medium<'9.0'> = { filename: 'a', direct: true };
// @ts-expect-error the older has no such member
export const none: Medium<'7.2'> = { filename: 'a', direct: true };
export const modes: Mode<'7.2'>[] = ['fast', 'old'];
export const b = (data: Events<'9.0'>['BOTH']['data']): string => data.b;
// @ts-expect-error the older has no such member
export const noB = (data: Events['BOTH']['data']): string => data.b;
export const both: keyof Events = 'BOTH';
// @ts-expect-error one release has it
export const one: keyof Events = 'NEW';
export const narrowed = (options: Options<'9.0'>): string => (options.driver === 'net' ? options.host : options.driver);
`;

test('a range of releases has what all of them take, and the absence of what some of them lack', async () => {
  const files = generateReleases(await releases());
  expect(await compileGenerated({ all: [...files, { path: 'program.ts', text: program }] })).toEqual([]);
}, 60_000);

test('comments say which releases have a command, a member and a value', async () => {
  const text = textOf(generateReleases(await releases()), 'client.ts');
  expect(text).toContain("   * It is new.\n   *\n   * **Releases:** 9.0 and later\n   */\n  'new-one':");
  expect(text).toContain('   * around the cache\n   *\n   * **Releases:** 9.0 and later\n   */\n  direct?:');
  expect(text).toContain('- `old`, releases: up to 7.2');
});

test('one release makes a tree without conditions', async () => {
  const [, newest] = await releases();
  const files = generateReleases(newest ? [newest] : []);
  expect(/(?:All|Some|When|Must)<R, '.*/.exec(textOf(files, 'client.ts'))?.[0]).toBeUndefined();
  expect(await compileGenerated({ one: files })).toEqual([]);
}, 60_000);

describeWithCorpus('the types of several releases of QEMU', 'releases', () => {
  test('they compile, hold for each release what is generated for it alone, and are hardly larger than those of one', async () => {
    const list = await Promise.all(
      [
        ['7.2', '7.2'],
        ['9.0', '9.0-rc'],
        ['10.1', '10.1'],
      ].map(async ([name = '', folder = '']) => ({
        name,
        schema: await schemaAt(corpusPath('releases', folder, 'qapi/qapi-schema.json')),
      })),
    );
    const files = generateReleases(list);
    const newest = list.at(-1);
    const one = newest ? sizeOf(generate(newest.schema, { targets: ['client'] })) : 0;
    expect(sizeOf(files) / one).toBeLessThan(1.1);
    const page = readFileSync(join(project, 'docs/client.md'), 'utf8');
    const [, example = ''] = /^```ts releases\n(.*?)^```/ms.exec(page) ?? [];
    const text = example.replace('./releases/client.js', './client.js');
    expect(text).toContain('client.since(');
    const singles = list.flatMap(({ name, schema }) => [
      ...generate(schema, { targets: ['client'] }).map((file) => ({ ...file, path: `${name}/${file.path}` })),
      { path: `agree-${name}.ts`, text: agreement(schema, name) },
    ]);
    expect(await compileGenerated({ releases: [...files, ...singles, { path: 'example.ts', text }] })).toEqual([]);
  }, 120_000);
});

/** A program that compiles when one release of the tree is what is generated for that release alone: each fits the other. */
function agreement({ definitions }: Schema, release: string): string {
  const lines = [
    `import type { Commands as OneC, Events as OneE } from './${release}/client.js';`,
    `import type { Commands, Events } from './client.js';`,
    `type TreeC = Commands<'${release}'>;`,
    `type TreeE = Events<'${release}'>;`,
  ];
  const same = (one: string, tree: string): void => {
    const number = lines.length;
    lines.push(`export const to${number}: (value: ${one}) => ${tree} = (value) => value;`);
    lines.push(`export const from${number}: (value: ${tree}) => ${one} = (value) => value;`);
  };
  same('keyof OneC', 'keyof TreeC');
  same('keyof OneE', 'keyof TreeE');
  for (const { kind, name } of definitions) {
    if (kind === 'command') {
      for (const part of ['arguments', 'returns']) same(`OneC['${name}']['${part}']`, `TreeC['${name}']['${part}']`);
    } else if (kind === 'event') same(`OneE['${name}']['data']`, `TreeE['${name}']['data']`);
  }
  return `${lines.join('\n')}\n`;
}

function sizeOf(files: readonly GeneratedFile[]): number {
  return files.reduce((sum, { text }) => sum + text.length, 0);
}
