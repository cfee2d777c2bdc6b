import { resolve } from 'node:path';
import type { GeneratedFile } from '../target.js';
import { compareFolder, usingFolder } from './folder.js';
import { codeFolder } from './kinds.js';
import { unifiedDiff } from './patch.js';

/** How one file of an output folder differs from what would be generated. */
export interface Difference {
  /** Relative to the output folder. */
  readonly path: string;
  /** The file would be added, would be removed, or would get another text. */
  readonly kind: 'missing' | 'stale' | 'changed';
  /** The lines that differ in the unified format, which `patch` reads. Empty unless the text would change. */
  readonly diff: string;
}

/**
 * Compares a folder with what would be generated, without writing. Nothing differs when the result is empty.
 *
 * @throws {OutputError} when the folder was not written by this tool
 */
export function checkFiles(folder: string, files: readonly GeneratedFile[]): Difference[] {
  const { changed, missing, stale } = usingFolder(folder, () => compareFolder(resolve(folder), files, codeFolder));
  const differences: Difference[] = [
    ...changed.map(
      ({ file, before }): Difference => ({
        path: file.path,
        kind: 'changed',
        diff: unifiedDiff(file.path, before, file.text),
      }),
    ),
    ...missing.map(({ path }): Difference => ({ path, kind: 'missing', diff: '' })),
    ...stale.map((path): Difference => ({ path, kind: 'stale', diff: '' })),
  ];
  return differences.sort((a, b) => (a.path < b.path ? -1 : 1));
}
