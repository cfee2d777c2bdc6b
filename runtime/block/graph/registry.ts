import type { BlockDriver, BlockHost } from '../driver.js';
import { BlockError } from '../error.js';
import { protocolOf } from './filename.js';

/** Bytes that probing looks at. */
const probedLength = 512;

/** The drivers there are, and how one is chosen. */
export class DriverRegistry {
  readonly #drivers = new Map<string, BlockDriver>();
  readonly #absent: ReadonlySet<string>;

  /**
   * @param drivers in the order in which probing asks them
   * @param absent names that the schema knows, for which there is no driver
   */
  constructor(drivers: Iterable<BlockDriver>, absent: Iterable<string> = []) {
    for (const driver of drivers) this.#drivers.set(driver.name, driver);
    this.#absent = new Set(absent);
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
   * @throws BlockError when no driver takes anything
   */
  probe(head: Uint8Array, filename: string): BlockDriver {
    let best: BlockDriver | undefined;
    let highest = 0;
    // An empty file is raw, whatever it is called; a short one reads as zeroes behind its end. So does QEMU.
    const whole = new Uint8Array(Math.max(probedLength, head.length));
    whole.set(head);
    const name = head.length === 0 ? '' : filename;
    for (const driver of this.#drivers.values()) {
      const score = driver.kind === 'format' ? (driver.probe?.(whole, name) ?? 0) : 0;
      if (score > highest) {
        highest = score;
        best = driver;
      }
    }
    if (best === undefined) throw new BlockError('Could not determine image format: No compatible driver found');
    return best;
  }
}
