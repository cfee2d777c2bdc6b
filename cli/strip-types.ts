import { readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
// Imported here and not by an expression: that gives no names of a CommonJS package that has been bundled.
import { transform } from 'sucrase';

/** Writes the JavaScript of a module in TypeScript beside it, where its imports mean the same, and returns the path. */
export async function stripTypes(path: string): Promise<string> {
  const { code } = transform(await readFile(path, 'utf8'), {
    transforms: ['typescript'],
    disableESTransforms: true,
    keepUnusedImports: true,
  });
  const stripped = join(dirname(path), `.${basename(path, '.ts')}.${process.pid}.mjs`);
  await writeFile(stripped, code);
  return stripped;
}
