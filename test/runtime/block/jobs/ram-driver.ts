import type { BlockDriver } from '../../../../runtime/block/driver.js';
import type { Errno } from '../../../../runtime/block/errno.js';
import { BlockError, ioError } from '../../../../runtime/block/error.js';

/** Files in memory whose requests take a turn or more, and fail when a test wants that. */
export class RamFiles {
  readonly files = new Map<string, Buffer>();
  /** How many are open. */
  open = 0;
  readonly #random: () => number;
  #faults: { readonly name: string; readonly kind: 'read' | 'write'; readonly code: Errno; left: number } | undefined;

  /** @param random decides how long requests take */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Has the next requests of a kind on a file fail. */
  fail(name: string, kind: 'read' | 'write', code: Errno, times: number): void {
    this.#faults = { name, kind, code, left: times };
  }

  /** No request fails any more. */
  heal(): void {
    this.#faults = undefined;
  }

  async #request(name: string, kind: 'read' | 'write'): Promise<void> {
    for (let turns = Math.floor(this.#random() * 3); turns > 0; turns--) await new Promise((go) => setImmediate(go));
    const faults = this.#faults;
    if (faults !== undefined && faults.left > 0 && faults.name === name && faults.kind === kind) {
      faults.left--;
      throw ioError(faults.code);
    }
  }

  #resize(name: string, size: number): void {
    const longer = Buffer.alloc(size);
    this.files.get(name)?.copy(longer, 0, 0, size);
    this.files.set(name, longer);
  }

  /** The protocol driver `ram`. */
  readonly driver: BlockDriver = {
    name: 'ram',
    kind: 'protocol',
    needsFilename: true,
    parseFilename: (filename, options) => options.set('filename', filename.replace(/^ram:/, '')),
    open: async ({ options }) => {
      const name = options.takeString('filename') ?? '';
      if (!this.files.has(name)) throw new BlockError(`There is no '${name}'`, { code: 'ENOENT' });
      this.open++;
      const files = this.files;
      return {
        get length() {
          return files.get(name)?.length ?? 0;
        },
        exactFilename: () => `ram:${name}`,
        read: async (offset, buffer) => {
          await this.#request(name, 'read');
          buffer.fill(0);
          buffer.set(files.get(name)?.subarray(offset, offset + buffer.length) ?? []);
        },
        write: async (offset, data) => {
          await this.#request(name, 'write');
          const end = offset + data.length;
          if (end > (files.get(name)?.length ?? 0)) this.#resize(name, end);
          files.get(name)?.set(data, offset);
        },
        truncate: async (size) => this.#resize(name, size),
        prepareReopen: async () => ({ commit: async () => {}, abort: async () => {} }),
        close: async () => void this.open--,
      };
    },
    createFile: async (filename, size) => void this.files.set(filename.replace(/^ram:/, ''), Buffer.alloc(size)),
  };
}
