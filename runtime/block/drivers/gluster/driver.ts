import { constants } from 'node:fs';
import type { BlockDriver, BlockHost, DriverInstance, NodeFlags, OpenContext, Reopening } from '../../driver.js';
import { BlockError } from '../../error.js';
import { sectorSize } from '../../limits.js';
import type { BlockOptions } from '../../options.js';
import { nothingToSwitch } from '../shared/reopening.js';
import { GlusterLibrary, type Handle } from './library.js';
import { defaultDebug, type GlusterPlace, parseGlusterName, takeGlusterOptions } from './options.js';
import { GlusterVolume } from './volume.js';

const seekEnd = 2;

/**
 * `gluster`: an image in a volume of GlusterFS, through its own library.
 *
 * Options: `volume`, `path`, `server` (a list), `debug`, `logfile`; or a file name `gluster://HOST[:PORT]/VOLUME/PATH`.
 */
export const gluster: BlockDriver = {
  name: 'gluster',
  kind: 'protocol',
  changeable: [],
  prefixes: ['gluster', 'gluster+tcp', 'gluster+unix'],
  async open({ options, node, host }: OpenContext): Promise<DriverInstance> {
    const given = options.get('filename');
    const place = takeGlusterOptions(options);
    const volume = await connected(place, host);
    try {
      const file = await volume.openFile(place.path, flagsOf(node.flags));
      const length = await volume.library.number('seek', file, 0, seekEnd);
      return new GlusterFile(
        volume,
        file,
        place.path,
        length,
        node.flags,
        typeof given === 'string' ? given : undefined,
      );
    } catch (error) {
      volume.release();
      throw error;
    }
  },
  async createFile(filename: string, size: number, options: BlockOptions, host: BlockHost): Promise<void> {
    const preallocation = options.takeEnum('preallocation', ['off', 'full'] as const) ?? 'off';
    const place = { ...parseGlusterName(filename), debug: defaultDebug, logfile: undefined };
    const volume = await connected(place, host);
    const { library } = volume;
    try {
      const file = await volume.createFile(place.path, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC);
      try {
        await library.number('truncate', file, size, null, null);
        if (preallocation === 'full' && size > 0) await library.number('zero', file, 0, size);
      } finally {
        await library.number('close', file);
      }
    } finally {
      volume.release();
    }
  },
};

async function connected(place: GlusterPlace, host: BlockHost): Promise<GlusterVolume> {
  for (const { transport, host: server, port } of place.servers) {
    const address = transport === 'unix' ? server : `gluster://${server}:${port}/${place.volume}/${place.path}`;
    await host.authorize(address);
  }
  if (place.logfile !== undefined) await host.authorize(place.logfile);
  return GlusterVolume.use(GlusterLibrary.load(), place);
}

function flagsOf({ readOnly, direct }: Pick<NodeFlags, 'readOnly' | 'direct'>): number {
  return (readOnly ? constants.O_RDONLY : constants.O_RDWR) | (direct ? constants.O_DIRECT : 0);
}

class GlusterFile implements DriverInstance {
  length: number;
  readonly #volume: GlusterVolume;
  readonly #path: string;
  readonly #filename: string | undefined;
  #file: Handle;
  #flags: Pick<NodeFlags, 'readOnly' | 'direct'>;

  constructor(
    volume: GlusterVolume,
    file: Handle,
    path: string,
    length: number,
    flags: NodeFlags,
    filename: string | undefined,
  ) {
    this.#volume = volume;
    this.#file = file;
    this.#path = path;
    this.length = length;
    this.#flags = flags;
    this.#filename = filename;
  }

  get requestAlignment(): number {
    // QEMU takes what begins before the end of a file here and ends behind it for a failure.
    return this.#flags.direct ? 4096 : sectorSize;
  }

  async read(offset: number, buffer: Uint8Array): Promise<void> {
    const { library } = this.#volume;
    for (let done = 0; done < buffer.length; ) {
      const part = buffer.subarray(done);
      const count = await library.number('read', this.#file, part, part.length, offset + done, 0, null);
      if (count === 0) {
        part.fill(0);
        return;
      }
      done += count;
    }
  }

  async write(offset: number, data: Uint8Array): Promise<void> {
    const { library } = this.#volume;
    for (let done = 0; done < data.length; ) {
      const part = data.subarray(done);
      const count = await library.number('write', this.#file, part, part.length, offset + done, 0, null, null);
      if (count === 0) throw new BlockError('The gluster volume writes nothing', { code: 'EIO' });
      done += count;
    }
    this.length = Math.max(this.length, offset + data.length);
  }

  async writeZeroes(offset: number, length: number): Promise<void> {
    await this.#volume.library.number('zero', this.#file, offset, length);
    this.length = Math.max(this.length, offset + length);
  }

  async discard(offset: number, length: number): Promise<void> {
    await this.#volume.library.number('discard', this.#file, offset, length);
  }

  async flushToDisk(): Promise<void> {
    await this.#volume.library.number('sync', this.#file, null, null);
  }

  async truncate(size: number): Promise<void> {
    await this.#volume.library.number('truncate', this.#file, size, null, null);
    this.length = size;
  }

  async prepareReopen(flags: NodeFlags): Promise<Reopening> {
    if (flagsOf(flags) === flagsOf(this.#flags)) return nothingToSwitch;
    const file = await this.#volume.openFile(this.#path, flagsOf(flags));
    const { library } = this.#volume;
    return {
      commit: async () => {
        const old = this.#file;
        this.#file = file;
        this.#flags = flags;
        await library.number('close', old).catch(() => {});
      },
      abort: async () => void (await library.number('close', file).catch(() => {})),
    };
  }

  exactFilename(): string | undefined {
    return this.#filename;
  }

  async close(): Promise<void> {
    try {
      await this.#volume.library.number('close', this.#file);
    } finally {
      this.#volume.release();
    }
  }
}
