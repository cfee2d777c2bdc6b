import { chmodSync, existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { holdingSignals } from '../generator/emit/output/signals.js';
import { reasonOf } from '../generator/syntax/regular-file.js';
import { UserError } from './user-error.js';

/**
 * Writes the new texts of some files, or leaves all of them as they are.
 *
 * @throws UserError when one cannot be written
 */
export function writeAllOrNone(files: readonly { readonly path: string; readonly text: string }[]): void {
  const staged: string[] = [];
  const undo: (() => void)[] = [];
  let current = '';
  try {
    for (const { path, text } of files) {
      current = path;
      const place = `${path}.qapi-ts-${process.pid}`;
      staged.push(place);
      writeFileSync(place, text, { flag: 'wx' });
      const { mode } = statSync(path, { throwIfNoEntry: false }) ?? {};
      if (mode !== undefined) chmodSync(place, mode & 0o7777);
    }
    // All are complete beside their places; to rename one takes no space and no rights that writing it did not take.
    holdingSignals(() => {
      for (const [index, { path }] of files.entries()) {
        current = path;
        const before = existsSync(path) ? readFileSync(path) : undefined;
        renameSync(staged[index] as string, path);
        undo.push(() => (before ? writeFileSync(path, before) : rmSync(path)));
      }
    });
  } catch (error) {
    for (const step of undo.reverse()) step();
    for (const place of staged) rmSync(place, { force: true });
    throw new UserError(`cannot write ${current}: ${reasonOf(error)}; nothing has been changed`);
  }
}
