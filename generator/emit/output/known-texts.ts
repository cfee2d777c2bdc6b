import { statSync } from 'node:fs';
import { readText } from './folder.js';

/**
 * So many milliseconds after its last change a file is taken to change no more without showing it: file systems count time in
 * steps, and two changes within one look like one.
 */
const settled = 100;

/** The texts of files as they were read last. A file that has another inode, size or time since is read again. */
export class KnownTexts {
  readonly #known = new Map<string, { readonly state: string; readonly text: string }>();

  read(path: string): string {
    const { ino, size, mtimeMs, ctimeMs } = statSync(path);
    const state = [ino, size, mtimeMs, ctimeMs].join();
    const known = this.#known.get(path);
    if (known?.state === state) return known.text;
    const text = readText(path);
    if (Math.abs(Date.now() - ctimeMs) > settled) this.#known.set(path, { state, text });
    return text;
  }
}
