import { describe, expect, test } from 'vitest';
import { generate, targetNames } from '../../../generator/emit/generate.js';
import { declarationsIn } from '../../declarations.js';
import { compileGenerated } from './compile.js';
import { generateFixture, schemaOf, textOf } from './fixture.js';

describe('import extensions', () => {
  test.each([
    ['ts', { allowImportingTsExtensions: true }],
    ['none', { module: 'esnext', moduleResolution: 'bundler' }],
  ] as const)('%s', async (importExtension, settings) => {
    const files = await generateFixture('gallery', { importExtension });
    expect(await compileGenerated({ gallery: files }, settings)).toEqual([]);
  });
});

describe('targets', () => {
  test('adds the targets whose files a target imports', async () => {
    const files = await generateFixture('gallery', { targets: ['events'] });
    expect(new Set(files.map(({ path }) => path.split('/').at(-1)))).toEqual(
      new Set(['client.ts', 'events.ts', 'index.ts', 'types.ts', 'visitors.ts']),
    );
    expect(await compileGenerated({ gallery: files })).toEqual([]);
  });

  test('refuses a target that does not exist', async () => {
    const schema = await schemaOf('');
    expect(() => generate(schema, { targets: ['typos'] })).toThrow(`there are ${targetNames.join(', ')}`);
  });

  test('generates an index for a schema without definitions, too', async () => {
    const files = generate(await schemaOf(''));
    expect(files.map(({ path }) => path)).toEqual(['client.ts', 'introspection.ts', 'index.ts']);
    expect(
      await compileGenerated({ empty: files, nothing: generate(await schemaOf(''), { targets: ['types'] }) }),
    ).toEqual([]);
  });
});

test('the runtime may be named by a path from the output folder', async () => {
  const files = await generateFixture('gallery', { runtimeImport: '../lib/runtime.js' });
  expect(declarationsIn(textOf(files, 'index.ts')).imports).toContain('../lib/runtime.js');
  expect(declarationsIn(textOf(files, 'numbers/numbers/types.ts')).imports).toContain('../../../lib/runtime.js');
});

test('the same schema gives the same bytes', async () => {
  expect(await generateFixture('gallery')).toEqual(await generateFixture('gallery'));
});
