/** Runs a script in TypeScript: `node build/run.mjs SCRIPT [ARGUMENT …]`. Its `import.meta.dirname` is its own folder. */
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { esbuildHandlebars } from './handlebars-plugin.mjs';

const script = resolve(process.argv[2]);
// Below the project, so that packages are found; each run has its own.
const folder = join(import.meta.dirname, '../node_modules/.cache/qapi-ts');
const bundle = join(folder, `${process.pid}.mjs`);

await mkdir(folder, { recursive: true });
await build({
  entryPoints: [script],
  outfile: bundle,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  sourcemap: 'inline',
  define: { 'import.meta.dirname': JSON.stringify(dirname(script)) },
  plugins: [esbuildHandlebars],
  logLevel: 'warning',
});
try {
  process.argv.splice(1, 2, script);
  await import(pathToFileURL(bundle).href);
} finally {
  await rm(bundle, { force: true });
}
