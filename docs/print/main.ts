/** Writes what the documentation shows of code: the catalogue of diagnostics, and the TypeScript of the examples. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { diagnosticsPage } from './diagnostics.js';
import { withExamples } from './examples.js';

const root = join(import.meta.dirname, '../..');

await writeFile(join(root, 'docs/diagnostics.md'), await diagnosticsPage());
for (const page of ['README.md', 'docs/type-mapping.md']) {
  const path = join(root, page);
  await writeFile(path, await withExamples(await readFile(path, 'utf8')));
}
