import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generate } from '../../../generator/emit/generate.js';
import type { EmitOptions } from '../../../generator/emit/options.js';
import type { GeneratedFile } from '../../../generator/emit/target.js';
import { corpusPath, describeWithCorpus } from '../../corpus.js';
import { compileGenerated } from './compile.js';
import { schemaAt } from './fixture.js';

/** Where a release has schemas: the main one (at the top up to 2.11), the guest agent's, the storage daemon's. */
const places = ['qapi', '.', 'qga', 'storage-daemon/qapi'];

/** Every schema takes its turn with the options, so that each is compiled with some. */
const variants: EmitOptions[] = [{}, { openEnums: true }, { int64: 'bigint' }, { int64: 'number', openEnums: true }];

describeWithCorpus('the code for every release', 'releases', () => {
  test('the code for each release compiles under the strictest settings', async () => {
    const folders: Record<string, GeneratedFile[]> = {};
    let turn = 0;
    for (const release of readdirSync(corpusPath('releases')).sort()) {
      for (const place of places) {
        const path = join(corpusPath('releases', release), place, 'qapi-schema.json');
        if (!existsSync(path)) continue;
        const options = variants[turn++ % variants.length];
        folders[`${release}/${place}`.replace(/[^\w-]+/g, '_')] = generate(await schemaAt(path), options);
      }
    }
    expect(Object.keys(folders).length).toBeGreaterThan(0);
    expect(await compileGenerated(folders)).toEqual([]);
  }, 120_000);
});
