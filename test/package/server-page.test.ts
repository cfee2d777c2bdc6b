import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generate } from '../../generator/emit/generate.js';
import { loadSchema } from '../../generator/schema/load.js';
import { memoryHost } from '../../generator/syntax/host.js';
import { compileGenerated } from '../generator/emit/compile.js';

test('the server of docs/server.md compiles with what is generated from its schema', async () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/server.md'), 'utf8');
  const [, schemaText = ''] = /^```qapi\n(.*?)^```/ms.exec(page) ?? [];
  const [, example = ''] = /^```ts server\.ts\n(.*?)^```/ms.exec(page) ?? [];
  const { schema } = await loadSchema('timers.json', { host: memoryHost({ 'timers.json': schemaText }) });
  if (!schema) throw new Error('the schema is not valid');
  const text = example.replaceAll('./generated/', '../generated/');
  expect(await compileGenerated({ generated: generate(schema), example: [{ path: 'server.ts', text }] })).toEqual([]);
});
