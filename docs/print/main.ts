/** Writes what the documentation shows of code: the catalogue of diagnostics, the kinds of changes, what is missing, the TypeScript of the examples, sizes. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { wholeProgram } from '../../cli/program.js';
import { withAbsences } from './absences.js';
import { withChangeKinds } from './changes.js';
import { diagnosticsPage } from './diagnostics.js';
import { withExamples } from './examples.js';
import { manualPage } from './manual.js';
import { withSizes } from './sizes.js';

const root = join(import.meta.dirname, '../..');

await writeFile(join(root, 'docs/diagnostics.md'), await diagnosticsPage());
await writeFile(join(root, 'docs/qapi-ts.1'), manualPage(await wholeProgram()));
const filled = [
  ['README.md', withExamples],
  ['docs/type-mapping.md', withExamples],
  ['docs/block.md', withAbsences],
  ['docs/diff.md', withChangeKinds],
  ['docs/size.md', withSizes],
] as const;
for (const [page, fill] of filled) {
  const path = join(root, page);
  await writeFile(path, await fill(await readFile(path, 'utf8')));
}
