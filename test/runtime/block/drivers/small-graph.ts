import type { BlockDriver, BlockHost } from '../../../../runtime/block/driver.js';
import { rawDriver } from '../../../../runtime/block/drivers/raw.js';
import { BlockError } from '../../../../runtime/block/error.js';
import { BlockGraph } from '../../../../runtime/block/graph/graph.js';
import type { BlockNode } from '../../../../runtime/block/graph/node.js';
import { DriverRegistry } from '../../../../runtime/block/graph/registry.js';
import { BlockOptions } from '../../../../runtime/block/options.js';
import { MemoryChild } from '../memory-child.js';
import { SimulatedClock } from '../simulated-clock.js';

/** A real graph with a few drivers on disks in memory, each of which logs its requests and can be made to fail. */
export class SmallGraph {
  /** By file name. */
  readonly disks = new Map<string, MemoryChild>();
  readonly events: { readonly name: string; readonly data: unknown }[] = [];
  readonly warnings: string[] = [];
  /** What the program was to end with. */
  readonly fatal: string[] = [];
  readonly authorized: string[] = [];
  readonly secrets = new Map<string, Uint8Array>();
  readonly clock = new SimulatedClock();
  /** Requests to files wait for it; requests overtake each other when it takes longer for some. */
  delay: (() => Promise<void>) | undefined;
  readonly host: BlockHost = {
    events: { emit: (name, data) => void this.events.push({ name, data }) },
    clock: this.clock,
    secret: async (id) => {
      const secret = this.secrets.get(id);
      if (secret === undefined) throw new BlockError(`No secret with id '${id}'`);
      return secret;
    },
    warn: (message) => void this.warnings.push(message),
    authorize: async (path) => void this.authorized.push(path),
    fatal: (message) => void this.fatal.push(message),
  };
  readonly graph: BlockGraph;

  /** @param drivers besides `raw` and `file` */
  constructor(...drivers: BlockDriver[]) {
    this.graph = new BlockGraph(this.host, new DriverRegistry([...drivers, rawDriver, this.#file]));
  }

  /** Makes a disk, all bytes of which are the same. */
  disk(filename: string, size: number, byte = 0): MemoryChild {
    const disk = new MemoryChild(new Uint8Array(size).fill(byte));
    this.disks.set(filename, disk);
    return disk;
  }

  /** Opens a node as `blockdev-add` does. */
  async add(options: object): Promise<BlockNode> {
    const node = await this.graph.open({ options: BlockOptions.flatten(options) });
    node.monitorOwned = true;
    return node;
  }

  readonly #file: BlockDriver = {
    name: 'file',
    kind: 'protocol',
    needsFilename: true,
    open: async ({ options }) => {
      const filename = options.takeString('filename') ?? '';
      const disk = this.disks.get(filename);
      if (disk === undefined) throw new BlockError(`Could not open '${filename}'`, { code: 'ENOENT' });
      return {
        get length() {
          return disk.node.length;
        },
        read: async (offset, buffer) => {
          await this.delay?.();
          await disk.read(offset, buffer);
        },
        write: async (offset, data) => {
          await this.delay?.();
          await disk.write(offset, data);
        },
        discard: (offset, length) => disk.discard(offset, length),
        flushToDisk: () => disk.flush(),
        truncate: (size) => disk.truncate(size),
        close: async () => {},
      };
    },
  };
}

/** Takes longer for some than for others: now long, now not at all, always in the same pattern. */
export function unevenDelay(): () => Promise<void> {
  let count = 0;
  return async () => {
    count++;
    for (let turns = (count * 7) % 5; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
  };
}

/** What is at an offset of a node. */
export async function readAt(node: BlockNode, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length, 0xee);
  await node.requests.read(offset, buffer);
  return buffer;
}

/** The name of the failure, or `ok`. */
export async function outcomeOf(request: Promise<unknown>): Promise<string> {
  try {
    await request;
    return 'ok';
  } catch (error) {
    if (error instanceof BlockError) return error.code;
    throw error;
  }
}

/** The code and the message of a failure. */
export async function failureOf(request: Promise<unknown>): Promise<string> {
  const error = await request.then(
    () => undefined,
    (reason: unknown) => reason as BlockError,
  );
  return `${error?.code} ${error?.message}`;
}
