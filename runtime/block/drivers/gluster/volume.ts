import { BlockError } from '../../error.js';
import type { GlusterLibrary, Handle } from './library.js';
import type { GlusterPlace } from './options.js';

/** How long a volume without users stays connected, in milliseconds. */
const kept = 60_000;

/** The volumes that are connected or being connected, by where they are. */
const volumes = new Map<string, Promise<GlusterVolume>>();

/**
 * A volume that is connected, for all its images: to let go of one takes the library ten seconds, and one of the few threads that
 * work on files for as long.
 */
export class GlusterVolume {
  readonly library: GlusterLibrary;
  readonly #fs: Handle;
  readonly #key: string;
  readonly #name: string;
  #users = 0;
  #timer: NodeJS.Timeout | undefined;

  private constructor(library: GlusterLibrary, fs: Handle, key: string, name: string) {
    this.library = library;
    this.#fs = fs;
    this.#key = key;
    this.#name = name;
  }

  /**
   * Connects to the first server that answers, unless the volume is connected. Each call is matched by one of {@link release}.
   *
   * @throws BlockError when no server answers, or there is no such volume
   */
  static async use(library: GlusterLibrary, { path: _, ...place }: GlusterPlace): Promise<GlusterVolume> {
    const key = JSON.stringify(place);
    let connecting = volumes.get(key);
    if (!connecting) {
      connecting = GlusterVolume.#connect(library, place, key);
      volumes.set(key, connecting);
      connecting.catch(() => volumes.delete(key));
    }
    const volume = await connecting;
    clearTimeout(volume.#timer);
    volume.#users++;
    return volume;
  }

  static async #connect(
    library: GlusterLibrary,
    { volume, servers, logfile, debug }: Omit<GlusterPlace, 'path'>,
    key: string,
  ): Promise<GlusterVolume> {
    const fs = await library.handle('new', volume);
    try {
      for (const { transport, host, port } of servers) await library.number('server', fs, transport, host, port);
      await library.number('logging', fs, logfile ?? '-', debug);
      await library.number('init', fs);
      return new GlusterVolume(library, fs, key, volume);
    } catch (error) {
      disconnect(library, fs);
      const tried = servers.map(({ host, port }) => (port === 0 ? host : `${host}:${port}`)).join(', ');
      throw named(error, `Could not open the gluster volume '${volume}' of ${tried}`);
    }
  }

  /** Opens an image. @throws BlockError */
  async openFile(path: string, flags: number): Promise<Handle> {
    return this.library.handle('open', this.#fs, path, flags).catch((error: unknown) => {
      throw named(error, `Could not open '${path}' in the gluster volume '${this.#name}'`);
    });
  }

  /** Makes an image, or empties it. @throws BlockError */
  async createFile(path: string, flags: number): Promise<Handle> {
    return this.library.handle('create', this.#fs, path, flags, 0o644).catch((error: unknown) => {
      throw named(error, `Could not create '${path}' in the gluster volume '${this.#name}'`);
    });
  }

  /** A user's files are closed. The connection of the last one is kept for a minute for the next. */
  release(): void {
    this.#users--;
    if (this.#users > 0) return;
    this.#timer = setTimeout(() => {
      volumes.delete(this.#key);
      disconnect(this.library, this.#fs);
    }, kept).unref();
  }
}

/** There is no need to wait for it. */
function disconnect(library: GlusterLibrary, fs: Handle): void {
  library.number('fini', fs).catch(() => {});
}

function named(error: unknown, what: string): unknown {
  return error instanceof BlockError ? new BlockError(what, { code: error.code, cause: error }) : error;
}
