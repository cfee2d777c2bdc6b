import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadSchema, memoryHost, modelAsJson, printSchema, type Schema } from '../../../generator/index.js';
import { arbitraryFiles } from '../../arbitrary-schema.js';
import { corpusPath, describeWithCorpus } from '../../corpus.js';

async function load(files: Record<string, string>, root: string): Promise<Schema> {
  const { schema, diagnostics } = await loadSchema(root, { host: memoryHost(files) });
  if (!schema) throw new Error(`not valid: ${diagnostics[0]?.message}\n${JSON.stringify(files, null, 1)}`);
  return schema;
}

/** Reads a printed schema back. */
function reload(schema: Schema): Promise<Schema> {
  const texts = printSchema(schema);
  return load(Object.fromEntries(texts), schema.modules[1]?.name as string);
}

describe('printSchema', () => {
  it('prints a text that reads back as the same model', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryFiles, async (files) => {
        const schema = await load(files, 'root.json');
        expect(modelAsJson(await reload(schema))).toEqual(modelAsJson(schema));
      }),
      { numRuns: 200 },
    );
  });

  it('keeps documentation word for word', async () => {
    const doc = '##\n# @S:\n#\n# Some *text*.\n#\n# @m: a member\n##';
    const schema = await load(
      { 's.json': `##\n# = Heading\n##\n\n${doc}\n{'struct':'S','data':{'m':'int'}}` },
      's.json',
    );
    const text = printSchema(schema).get('s.json');
    expect(text).toContain(`${doc}\n{ 'struct': 'S', 'data': { 'm': 'int' } }\n`);
    expect(text?.startsWith('##\n# = Heading\n##\n')).toBe(true);
  });
});

describeWithCorpus('printing real schemas', 'releases', () => {
  it.each([
    ['2.8-dev', 'qapi-schema.json'],
    ['2.8-dev', 'qga/qapi-schema.json'],
    ['4.2', 'qapi/qapi-schema.json'],
    ['6.0', 'qapi/qapi-schema.json'],
    ['10.1', 'qapi/qapi-schema.json'],
    ['10.1', 'qga/qapi-schema.json'],
    ['11.1', 'qapi/qapi-schema.json'],
  ])('gives the same model for %s %s', async (release, root) => {
    const { schema } = await loadSchema(corpusPath('releases', release, root));
    if (!schema) throw new Error('not valid');
    expect(modelAsJson(await reload(schema))).toEqual(modelAsJson(schema));
  });
});
