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
  test('the code for each release, and the calls in its comments, compile under the strictest settings', async () => {
    const folders: Record<string, GeneratedFile[]> = {};
    let turn = 0;
    let count = 0;
    for (const release of readdirSync(corpusPath('releases')).sort()) {
      for (const place of places) {
        const path = join(corpusPath('releases', release), place, 'qapi-schema.json');
        if (!existsSync(path)) continue;
        const options = variants[turn++ % variants.length];
        const files = generate(await schemaAt(path), options);
        const calls = typedExamples(files);
        count += calls.length;
        folders[`${release}/${place}`.replace(/[^\w-]+/g, '_')] =
          calls.length > 0 ? [...files, callsFile(calls)] : files;
      }
    }
    expect(Object.keys(folders).length).toBeGreaterThan(0);
    // Each release with qmp-examples has hundreds.
    expect(count).toBeGreaterThan(500);
    expect(await compileGenerated(folders)).toEqual([]);
  }, 120_000);
});

/** The examples in TypeScript that the comments of generated files have. */
function typedExamples(files: readonly GeneratedFile[]): string[] {
  return files.flatMap(({ text }) =>
    [...text.matchAll(/^ *\* ```ts\n([\s\S]*?)^ *\* ```$/gm)].map(([, lines = '']) => lines.replace(/^ *\* ?/gm, '')),
  );
}

/** A file that makes all these calls. */
function callsFile(calls: readonly string[]): GeneratedFile {
  const text = `import type { CommandMethods } from 'qapi-ts/runtime';
import type { Commands } from './client.js';

export async function examples(client: { readonly commands: CommandMethods<Commands> }): Promise<void> {
${calls.join('\n')}
}
`;
  return { path: 'examples.ts', text };
}
