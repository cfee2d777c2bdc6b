import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { generate } from '../../generator/emit/generate.js';
import { writeFiles } from '../../generator/emit/output/write.js';
import type { GeneratedFile } from '../../generator/emit/target.js';
import { loadSchema } from '../../generator/schema/load.js';
import type { SchemaTables } from '../../runtime/qmp/validation.js';
import { corpusPath } from '../corpus.js';

/** The release whose schema the corpus has and whose programs Debian 12 ships. */
export const RELEASE = 'releases/7.2';

/** The root schemas of the release: QEMU's own, and the guest agent's. */
export type Root = 'qapi' | 'qga';

/**
 * What is generated from a schema of QEMU.
 *
 * @param release a folder of the corpus
 */
export async function generateRelease(root: Root = 'qapi', release: string = RELEASE): Promise<GeneratedFile[]> {
  const { schema, diagnostics } = await loadSchema(corpusPath(release, `${root}/qapi-schema.json`));
  if (!schema) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return generate(schema);
}

/** The same, loaded: the tables of its commands and events. */
export async function loadRelease(root: Root = 'qapi', release: string = RELEASE): Promise<SchemaTables> {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-release-'));
  try {
    writeFiles(join(folder, 'generated'), await generateRelease(root, release));
    const outfile = join(folder, 'release.mjs');
    await build({
      entryPoints: [join(folder, 'generated/index.ts')],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      alias: { 'qapi-ts/runtime': join(import.meta.dirname, '../../runtime/index.ts') },
    });
    return (await import(/* @vite-ignore */ pathToFileURL(outfile).href)) as SchemaTables;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
