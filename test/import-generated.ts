import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { writeFiles } from '../generator/emit/output/write.js';
import { type EmitOptions, generate, type Schema } from '../generator/index.js';

/** Generates all code of a schema, bundles it with the runtime and imports it: everything that its `index.ts` exports, by name. */
export async function importGenerated(schema: Schema, options: EmitOptions = {}): Promise<Record<string, never>> {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-import-'));
  try {
    writeFiles(join(folder, 'generated'), generate(schema, options));
    const outfile = join(folder, 'bundle.mjs');
    await build({
      entryPoints: [join(folder, 'generated/index.ts')],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      logLevel: 'error',
      alias: { 'qapi-ts/runtime': resolve(import.meta.dirname, '../runtime/index.ts') },
    });
    return (await import(pathToFileURL(outfile).href)) as Record<string, never>;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
