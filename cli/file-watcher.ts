import { type FSWatcher, statSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/** How long to wait for more after a change, in milliseconds: editors and version control write in bursts. */
const settling = 30;

/**
 * Tells when one of some files changes. The folders are watched, not the files: many editors write a new file and put it in
 * the old one's place.
 */
export class FileWatcher {
  readonly #folders = new Map<string, FSWatcher>();
  #files = new Set<string>();
  #changed = false;
  #wake: (() => void) | undefined;

  /** Watches these files from now on, by absolute path, and no others. They need not exist. */
  follow(files: Iterable<string>): void {
    this.#files = new Set(files);
    const folders = new Set([...this.#files].map((file) => existing(dirname(file))));
    for (const [folder, watcher] of this.#folders) {
      if (folders.has(folder)) continue;
      watcher.close();
      this.#folders.delete(folder);
    }
    for (const folder of folders) if (!this.#folders.has(folder)) this.#watch(folder);
  }

  /** Waits until a file has changed since the last call and nothing has changed for a moment, or until the signal. */
  async change(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#wake?.(), { once: true });
    while (!signal.aborted) {
      if (this.#changed) {
        this.#changed = false;
        await new Promise((resolve) => setTimeout(resolve, settling));
        if (!this.#changed) return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  close(): void {
    this.follow([]);
  }

  #watch(folder: string): void {
    const watcher = watch(folder, (_event, name) => {
      // A name that is not known, or a folder that came to be, may mean any file.
      const affected = [...this.#files].some(
        (file) => name === null || (dirname(file) === folder ? basename(file) === name : file.startsWith(`${folder}/`)),
      );
      if (affected) this.#notice();
    });
    // The folder has been removed: look again where the files can be.
    watcher.on('error', () => {
      watcher.close();
      this.#folders.delete(folder);
      this.#notice();
    });
    this.#folders.set(folder, watcher);
  }

  #notice(): void {
    this.#changed = true;
    this.#wake?.();
  }
}

/** A folder, or the nearest above it that exists. */
function existing(folder: string): string {
  for (let nearest = folder; ; nearest = dirname(nearest)) {
    if (statSync(nearest, { throwIfNoEntry: false })?.isDirectory() || nearest === dirname(nearest)) return nearest;
  }
}
