import type {
  BackingFile,
  BlockDriver,
  BlockHost,
  DriverInstance,
  NodeFlags,
  OpenContext,
  Reopening,
} from '../../../runtime/block/driver.js';
import { BlockError, ioError } from '../../../runtime/block/error.js';
import { BlockGraph } from '../../../runtime/block/graph/graph.js';
import { DriverRegistry } from '../../../runtime/block/graph/registry.js';
import type { DriverWhitelist } from '../../../runtime/block/graph/whitelist.js';
import { resized } from './resized.js';
import { SimulatedClock } from './simulated-clock.js';

/** Files in memory, and drivers on them, that can be made to fail and that count what is open. */
export class MemoryDisk {
  readonly files = new Map<string, Uint8Array>();
  readonly warnings: string[] = [];
  readonly events: { readonly name: string; readonly data: unknown }[] = [];
  readonly clock = new SimulatedClock();
  /** How many instances are open. */
  open = 0;
  /** What has been prepared, committed and aborted of reopenings, in order. */
  readonly reopenings: string[] = [];
  /** Whether there is a medium in the drive. */
  mediumIn = true;
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

  /**
   * A graph that knows `file` (in memory), `raw`, `cow` (an image with a header of 512 bytes), `pair` (two children) and `drive`
   * (a medium that may not be in).
   */
  graph(whitelist?: DriverWhitelist): BlockGraph {
    return new BlockGraph(
      this.host,
      new DriverRegistry([this.#file, raw(this), cow(this), pair(this), drive(this)], ['vdi']),
      whitelist,
    );
  }

  /** An image of the format `cow`: its header names the backing file. */
  addCow(filename: string, size: number, backing = '', format = ''): void {
    const bytes = new Uint8Array(512 + size);
    bytes.set(cowHeader({ name: backing, format }));
    this.files.set(filename, bytes);
  }

  /** A step of reopening, and what becomes of it. */
  reopening(name: string, flags: NodeFlags): Reopening {
    const step = `${name} ${flags.readOnly ? 'ro' : 'rw'}`;
    this.reopenings.push(`prepare ${step}`);
    this.onStep(`reopen ${step}`);
    return {
      commit: async () => void this.reopenings.push(`commit ${step}`),
      abort: async () => void this.reopenings.push(`abort ${step}`),
    };
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
    createFile: async (filename, size, options) => {
      this.onStep(`create ${filename}`);
      options.take('preallocation');
      this.files.set(filename.replace(/^file:/, ''), new Uint8Array(size));
    },
  };

  #instance(filename: string, flags: NodeFlags): DriverInstance {
    const disk = this;
    const bytes = (): Uint8Array => this.files.get(filename) as Uint8Array;
    const resize = (size: number): void => void this.files.set(filename, resized(bytes(), size));
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
        if (!to.readOnly && flags.readOnly && filename.startsWith('ro-')) throw ioError('EACCES');
        return disk.reopening(filename, to);
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
    isPlainFile: true,
    childPermissions: (own) => own,
    create: async () => {},
    open: async ({ file, node }) => {
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
        prepareReopen: async (flags) => disk.reopening(node.name, flags),
        close: async () => void disk.open--,
      };
    },
  };
}

function cowHeader({ name, format = '' }: BackingFile): Uint8Array {
  const header = new Uint8Array(512);
  header.set(new TextEncoder().encode(`COW ${name}\n${format}\n`));
  return header;
}

/** Blocks of 512 bytes; which are allocated is only known while it is open. */
function cow(disk: MemoryDisk): BlockDriver {
  return {
    name: 'cow',
    kind: 'format',
    supportsBacking: true,
    probe: (head) => (Buffer.from(head).toString('latin1', 0, 4) === 'COW ' ? 100 : 0),
    async create(file, { size, backing, options }) {
      if (size > 2 ** 30) throw ioError('EFBIG');
      disk.onStep(`create cow ${options.take('flavour') ?? ''}`);
      await file.write(0, cowHeader(backing ?? { name: '' }));
      await file.truncate(512 + size);
    },
    open: async ({ file, node }: OpenContext) => {
      disk.onStep('open cow');
      const head = Buffer.alloc(512);
      await file.read(0, head);
      const [first = '', format = ''] = head.toString('latin1').split('\n');
      const name = first.slice(4);
      const allocated = new Set<number>();
      let backingFile = name === '' ? undefined : { name, ...(format === '' ? {} : { format }) };
      const instance: DriverInstance = {
        get length() {
          return file.node.length - 512;
        },
        requestAlignment: 512,
        info: { clusterSize: 512, unallocatedIsZero: true },
        get backingFile() {
          return backingFile;
        },
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
        async changeBackingFile(backing) {
          disk.onStep('change backing file');
          await file.write(0, cowHeader(backing ?? { name: '' }));
          backingFile = backing;
        },
        prepareReopen: async (flags) => disk.reopening(node.name, flags),
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

function drive(disk: MemoryDisk): BlockDriver {
  return {
    name: 'drive',
    kind: 'protocol',
    open: async () => {
      disk.open++;
      return {
        length: 512,
        read: async (_offset, buffer) => void buffer.fill(0),
        inserted: () => disk.mediumIn,
        close: async () => void disk.open--,
      };
    },
  };
}
