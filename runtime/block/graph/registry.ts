import type { BlockDriver, BlockHost } from '../driver.js';
import { BlockError } from '../error.js';
import { protocolOf } from './filename.js';

/** A format that is recognised by its data, whether or not there is a driver for it. */
export interface KnownFormat {
  readonly name: string;
  /** As that of {@link BlockDriver}. */
  probe(head: Uint8Array, filename: string): number;
}

/** The drivers there are, and how one is chosen. */
export class DriverRegistry {
  readonly #drivers = new Map<string, BlockDriver>();
  readonly #absent: ReadonlySet<string>;
  readonly #formats: readonly KnownFormat[];

  /**
   * @param drivers in the order in which probing asks them
   * @param absent names that the schema knows, for which there is no driver
   * @param formats those among them that data can be in: it is not taken for raw
   */
  constructor(drivers: Iterable<BlockDriver>, absent: Iterable<string> = [], formats: Iterable<KnownFormat> = []) {
    for (const driver of drivers) this.#drivers.set(driver.name, driver);
    this.#absent = new Set(absent);
    this.#formats = [...formats].filter(({ name }) => !this.#drivers.has(name));
  }

  /** The driver of a name. @throws BlockError when there is none */
  named(name: string): BlockDriver {
    const driver = this.#drivers.get(name);
    if (driver !== undefined) return driver;
    if (this.#absent.has(name)) {
      throw new BlockError(`Driver '${name}' is not built in: it exists in QEMU, but not in this server`, {
        code: 'ENOTSUP',
      });
    }
    throw new BlockError(`Unknown driver '${name}'; there are ${[...this.#drivers.keys()].join(', ')}`, {
      code: 'EINVAL',
    });
  }

  /**
   * The protocol driver for a file name.
   *
   * @param prefixed whether a prefix such as `http:` chooses it
   * @param host allows or refuses to look into a device
   * @throws BlockError when no driver has that prefix
   */
  async forFilename(filename: string, prefixed: boolean, host: BlockHost): Promise<BlockDriver> {
    const prefix = prefixed ? protocolOf(filename) : undefined;
    if (prefix === undefined) {
      for (const driver of this.#drivers.values()) if (await driver.claimsPath?.(filename, host)) return driver;
      return this.named('file');
    }
    for (const driver of this.#drivers.values()) {
      if (driver.kind === 'protocol' && (driver.prefixes ?? [driver.name]).includes(prefix)) return driver;
    }
    throw new BlockError(`Unknown protocol '${prefix}'`, { code: 'ENOENT' });
  }

  /**
   * The driver for data of an unknown format: that which it most probably is in. `raw` always matches, weakly.
   *
   * @param head the first 512 bytes, or fewer
   * @throws BlockError (ENOTSUP) when it is in a format for which there is no driver
   */
  probe(head: Uint8Array, filename: string): BlockDriver {
    const name = this.formatOf(head, filename);
    if (name === undefined) throw new BlockError('Could not determine image format: No compatible driver found');
    if (this.#drivers.has(name)) return this.named(name);
    throw new BlockError(
      `Image '${filename}' is in the format '${name}', which exists in QEMU, but not in this server; ` +
        "qemu-img convert makes another of it, and driver 'raw' takes its bytes as they are",
      { code: 'ENOTSUP' },
    );
  }

  /** The name of the format that data most probably is in, also of one for which there is no driver. */
  formatOf(head: Uint8Array, filename: string): string | undefined {
    let best: string | undefined;
    let highest = 0;
    const formats = [...this.#drivers.values()].filter(({ kind }) => kind === 'format');
    for (const format of [...formats, ...this.#formats]) {
      const score = format.probe?.(head, filename) ?? 0;
      if (score > highest) {
        highest = score;
        best = format.name;
      }
    }
    return best;
  }
}
