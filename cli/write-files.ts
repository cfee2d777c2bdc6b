import { chmodSync, existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { holdingSignals } from '../generator/emit/output/signals.js';
import { readRegularFile, reasonOf } from '../generator/syntax/regular-file.js';
import { UserError } from './user-error.js';

/**
 * The text of a file that is to be written again, changed: no byte of the rest may be lost.
 *
 * @throws UserError when it cannot be read, or is not UTF-8
 */
export function textToChange(path: string, name: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readRegularFile(path);
  } catch (error) {
    throw new UserError(`cannot read ${name}: ${reasonOf(error)}`);
  }
  const text = Buffer.from(bytes).toString();
  if (!Buffer.from(text).equals(bytes)) throw new UserError(`${name} is not UTF-8`);
  return text;
}

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
