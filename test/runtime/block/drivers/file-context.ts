import { readdirSync } from 'node:fs';
import type {
  BlockDriver,
  BlockHost,
  DriverInstance,
  NodeFlags,
  OpenContext,
} from '../../../../runtime/block/driver.js';
import { BlockOptions } from '../../../../runtime/block/options.js';
import { MemoryChild } from '../memory-child.js';
import { SimulatedClock } from '../simulated-clock.js';

/** The warnings of a driver under test. */
export const warnings: string[] = [];

/** The outside of the block layer, as quiet as can be. */
export function quietHost(over: Partial<BlockHost> = {}): BlockHost {
  return {
    events: { emit: () => {} },
    clock: new SimulatedClock(),
    secret: () => Promise.reject(new Error('no secret is needed')),
    warn: (message) => warnings.push(message),
    authorize: async () => {},
    fatal: (message) => {
      throw new Error(message);
    },
    ...over,
  };
}

/** What a driver is given to open a node, outside of any graph. */
export interface ContextParts {
  readonly options?: Record<string, string | number | boolean>;
  readonly flags?: Partial<NodeFlags>;
  readonly host?: Partial<BlockHost>;
  readonly file?: MemoryChild;
  readonly probe?: (head: Uint8Array) => string;
}

/** An {@link OpenContext} for one driver. With `probe`, the driver counts as probed. */
export function contextFor(driver: BlockDriver, parts: ContextParts = {}): OpenContext {
  const node = new MemoryChild(new Uint8Array(0), 'file', {
    driver,
    flags: { readOnly: false, direct: false, noFlush: false, unmap: true, ...parts.flags },
  }).node;
  const unused = (): never => {
    throw new Error('a file has no other children');
  };
  return {
    node,
    options: new BlockOptions(Object.entries(parts.options ?? {})),
    probed: parts.probe !== undefined,
    noIo: false,
    host: quietHost(parts.host),
    get file() {
      return parts.file ?? unused();
    },
    openChild: unused,
    attachChild: unused,
    detachChild: unused,
    ...(parts.probe === undefined ? {} : { probe: parts.probe }),
  };
}

/** An instance that can be written, as those under test can. */
export type Writable = DriverInstance &
  Required<Pick<DriverInstance, 'write' | 'flushToDisk' | 'blockStatus' | 'truncate'>>;

/** The open descriptors of this process. */
export function openDescriptors(): string[] {
  return readdirSync('/proc/self/fd').sort();
}
