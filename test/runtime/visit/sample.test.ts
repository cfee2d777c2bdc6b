import { join } from 'node:path';
import { expect, it } from 'vitest';
import { generate, loadSchema } from '../../../generator/index.js';

const schemaFile = join(import.meta.dirname, '../../fixtures/visit/sample.json');

it('the code that these tests use is what is generated', async () => {
  const { schema } = await loadSchema(schemaFile);
  if (!schema) throw new Error('the schema is not valid');
  const runtimeImport = '../../../../runtime/index.js';
  for (const { path, text } of generate(schema, { targets: ['types', 'visitors'], runtimeImport })) {
    await expect(text).toMatchFileSnapshot(join(import.meta.dirname, '__golden__', path));
  }
});
