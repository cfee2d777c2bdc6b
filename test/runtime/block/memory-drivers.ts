import type { BlockDriver, BlockHost, DriverInstance, NodeFlags, OpenContext } from '../../../runtime/block/driver.js';
import { BlockError, ioError } from '../../../runtime/block/error.js';
import { BlockGraph } from '../../../runtime/block/graph/graph.js';
import { DriverRegistry } from '../../../runtime/block/graph/registry.js';
import type { DriverWhitelist } from '../../../runtime/block/graph/whitelist.js';
import { SimulatedClock } from './simulated-clock.js';

/** Files in memory, and drivers on them, that can be told to fail and that count what is open. */
export class MemoryDisk {
  readonly files = new Map<string, Uint8Array>();
  readonly warnings: string[] = [];
  readonly events: { readonly name: string; readonly data: unknown }[] = [];
  readonly clock = new SimulatedClock();
  /** How many instances are open. */
  open = 0;
  /** Called with each step of opening; throws to make it fail. */
  onStep: (step: string) => void = () => {};
  /** Called before each request to a file; may wait or throw. */
  onRequest: (kind: string, filename: string, offset: number, length: number) => Promise<void> | void = () => {};

  readonly host: BlockHost = {
    events: { emit: (name, data) => void this.events.push({ name, data }) },
    clock: this.clock,
    secret: async () => new Uint8Array(0),
    warn: (message) => void this.warnings.push(message),
    authorize: async () => {},
    fatal: (message) => {
      throw new Error(message);
    },
  };

  /** A graph that knows `file` (in memory), `raw`, `cow` (an image with a header of 512 bytes) and `pair` (two children). */
  graph(whitelist?: DriverWhitelist): BlockGraph {
    return new BlockGraph(
      this.host,
      new DriverRegistry([this.#file, raw(this), cow(this), pair(this)], ['vdi']),
      whitelist,
    );
  }

  /** An image of the format `cow`: its header names the backing file. */
  addCow(filename: string, size: number, backing = '', format = ''): void {
    const bytes = new Uint8Array(512 + size);
    bytes.set(new TextEncoder().encode(`COW ${backing}\n${format}\n`));
    this.files.set(filename, bytes);
  }

  readonly #file: BlockDriver = {
    name: 'file',
    kind: 'protocol',
    needsFilename: true,
    parseFilename: (filename, options) => options.set('filename', filename.replace(/^file:/, '')),
    open: async ({ options, node }) => {
      const filename = options.takeString('filename') as string;
      this.onStep(`open ${filename}`);
      await Promise.resolve();
      if (!this.files.has(filename))
        throw new BlockError(`Could not open '${filename}': no such file`, { code: 'ENOENT' });
      this.open++;
      return this.#instance(filename, node.flags);
    },
  };

  #instance(filename: string, flags: NodeFlags): DriverInstance {
    const disk = this;
    const bytes = (): Uint8Array => this.files.get(filename) as Uint8Array;
    const resize = (size: number): void => {
      const longer = new Uint8Array(size);
      longer.set(bytes().subarray(0, size));
      this.files.set(filename, longer);
    };
    return {
      get length() {
        return bytes().length;
      },
      async read(offset, buffer) {
        await disk.onRequest('read', filename, offset, buffer.length);
        buffer.fill(0);
        buffer.set(bytes().subarray(offset, offset + buffer.length));
      },
      async write(offset, data) {
        await disk.onRequest('write', filename, offset, data.length);
        if (offset + data.length > bytes().length) resize(offset + data.length);
        bytes().set(data, offset);
      },
      async discard(offset, length) {
        await disk.onRequest('discard', filename, offset, length);
        bytes().fill(0, offset, offset + length);
      },
      async flushToDisk() {
        await disk.onRequest('flush', filename, 0, 0);
      },
      blockStatus: async (offset, length) => ({ length, allocated: true, data: true, zero: false, offset }),
      truncate: async (size) => resize(size),
      prepareReopen: async (to) => {
        disk.onStep(`reopen ${filename}`);
        if (!to.readOnly && flags.readOnly && filename.startsWith('ro-')) throw ioError('EACCES');
        return { commit: async () => {}, abort: async () => {} };
      },
      async close() {
        disk.open--;
      },
    };
  }
}

function raw(disk: MemoryDisk): BlockDriver {
  return {
    name: 'raw',
    kind: 'format',
    probe: () => 1,
    open: async ({ file }) => {
      disk.onStep('open raw');
      disk.open++;
      return {
        get length() {
          return file.node.length;
        },
        read: (offset, buffer) => file.read(offset, buffer),
        write: (offset, data) => file.write(offset, data),
        discard: (offset, length) => file.discard(offset, length),
        blockStatus: async (offset, length) => ({ length, allocated: true, data: true, zero: false, offset, file }),
        truncate: (size) => file.truncate(size),
        prepareReopen: async () => ({ commit: async () => {}, abort: async () => {} }),
        close: async () => void disk.open--,
      };
    },
  };
}

/** Blocks of 512 bytes; which are allocated is only known while it is open. */
function cow(disk: MemoryDisk): BlockDriver {
  return {
    name: 'cow',
    kind: 'format',
    supportsBacking: true,
    probe: (head) => (Buffer.from(head).toString('latin1', 0, 4) === 'COW ' ? 100 : 0),
    open: async ({ file, node }: OpenContext) => {
      disk.onStep('open cow');
      const head = Buffer.alloc(512);
      await file.read(0, head);
      const [first = '', format = ''] = head.toString('latin1').split('\n');
      const name = first.slice(4);
      const allocated = new Set<number>();
      const instance: DriverInstance = {
        get length() {
          return file.node.length - 512;
        },
        requestAlignment: 512,
        info: { clusterSize: 512, unallocatedIsZero: true },
        ...(name === '' ? {} : { backingFile: { name, ...(format === '' ? {} : { format }) } }),
        async read(offset, buffer) {
          for (let at = 0; at < buffer.length; at += 512) {
            const part = buffer.subarray(at, at + 512);
            if (allocated.has(offset + at)) await file.read(512 + offset + at, part);
            else if (node.backing) await node.backing.read(offset + at, part);
            else part.fill(0);
          }
        },
        async write(offset, data) {
          for (let at = 0; at < data.length; at += 512) allocated.add(offset + at);
          await file.write(512 + offset, data);
        },
        blockStatus: async (offset) => {
          const here = allocated.has(offset);
          return {
            length: 512,
            allocated: here,
            data: here,
            zero: false,
            ...(here ? { offset: offset + 512, file } : {}),
          };
        },
        close: async () => void disk.open--,
      };
      disk.open++;
      return instance;
    },
  };
}

function pair(disk: MemoryDisk): BlockDriver {
  return {
    name: 'pair',
    kind: 'protocol',
    filter: true,
    open: async ({ openChild }) => {
      const first = await openChild('first', 'format');
      await openChild('second', 'format');
      disk.onStep('open pair');
      disk.open++;
      return {
        get length() {
          return first.node.length;
        },
        read: (offset, buffer) => first.read(offset, buffer),
        close: async () => void disk.open--,
      };
    },
  };
}
