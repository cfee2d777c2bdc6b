import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { introspect } from '../../generator/schema/introspect.js';
import { folderWith, qapiTs } from './command-line.js';
import { schemaOf } from './serve/serve.js';

const infos = introspect(
  await schemaOf(`
    { 'struct': 'State', 'data': { 'heat': 'int' } }
    { 'command': 'query-state', 'returns': 'State' }
    { 'event': 'HOT' }`),
  { mask: true },
);
const files = {
  'list.json': JSON.stringify(infos),
  'reply.json': `\n${JSON.stringify({ return: infos, id: 1 }, null, 2)}`,
  'wrong.json': '[ { "meta-type": "object" } ]',
  'half.json': '[ { "meta-type": "object"',
  'other.json': '{ "name": "a package" }',
};

test.each(['list.json', 'reply.json'])('introspection data in %s are the schema that they describe', async (file) => {
  const cwd = folderWith(files);
  expect(await qapiTs(['generate', file, '-o', 'out'], { cwd })).toMatchObject({ code: 0, stderr: '' });
  const client = readFileSync(join(cwd, 'out', file.replace('.json', ''), 'client.ts'), 'utf8');
  expect(client).toMatch(/'query-state': \{ arguments: Record<string, never>; returns: \w+ \}/);
  expect(client).toContain('HOT: { data: undefined }');
  expect((await qapiTs(['check', file], { cwd })).code).toBe(0);
  expect((await qapiTs(['ir', '-'], { cwd, stdin: files[file as 'list.json'] })).stdout).toContain('query-state');
});

test.each([
  ['wrong.json', 'it is JSON, but no introspection data: its element 0 has no name'],
  ['half.json', 'it is neither a schema nor introspection data: '],
  ['other.json', 'it is JSON, but no introspection data: it is not a list'],
])('%s is one error that says what it is instead of a schema', async (file, message) => {
  const { code, stderr } = await qapiTs(['generate', file, '-o', 'out'], { cwd: folderWith(files) });
  expect(code).toBe(1);
  expect(stderr).toContain(`cannot read '${file}': ${message}`);
  expect(stderr.trimEnd().split('\n').length).toBeLessThan(6);
});
