import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generate } from '../../generator/emit/generate.js';
import { loadSchema } from '../../generator/schema/load.js';
import { compileGenerated } from '../generator/emit/compile.js';

const project = join(import.meta.dirname, '../..');

test.each([
  ['docs/client.md', 18],
  ['docs/recipes.md', 7],
])('the examples of %s compile', async (path, several) => {
  const page = readFileSync(join(project, path), 'utf8');
  // Two recipes have schemas of their own.
  const examples = [...page.matchAll(/^```ts(?! agent| two-releases| releases).*?\n(.*?)^```/gms)].map(
    ([, text = '']) => text,
  );
  expect(examples.length).toBeGreaterThan(several);
  const { schema } = await loadSchema(join(project, 'qapi/qapi-schema.json'));
  if (!schema) throw new Error('the schema is not valid');
  const folders = examples.map((text, index) => [
    `example${index}`,
    [{ path: 'example.ts', text: text.replaceAll('./generated/', '../generated/') }],
  ]);
  expect(await compileGenerated({ generated: generate(schema), ...Object.fromEntries(folders) })).toEqual([]);
});
