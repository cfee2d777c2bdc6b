import { BlockError } from '../../error.js';
import type { GlusterLibrary, Handle } from './library.js';
import type { GlusterPlace } from './options.js';

/** A volume that is open, for one image. */
export class GlusterVolume {
  readonly library: GlusterLibrary;
  readonly fs: Handle;
  readonly #place: GlusterPlace;

  private constructor(library: GlusterLibrary, fs: Handle, place: GlusterPlace) {
    this.library = library;
    this.fs = fs;
    this.#place = place;
  }

  /** Connects to the first server that answers. @throws BlockError when none does, or there is no such volume */
  static async open(library: GlusterLibrary, place: GlusterPlace): Promise<GlusterVolume> {
    const fs = await library.handle('new', place.volume);
    const volume = new GlusterVolume(library, fs, place);
    try {
      for (const { transport, host, port } of place.servers) {
        await library.number('server', fs, transport, host, port);
      }
      await library.number('logging', fs, place.logfile ?? '-', place.debug);
      await library.number('init', fs);
      return volume;
    } catch (error) {
      volume.close();
      const servers = place.servers.map(({ host, port }) => (port === 0 ? host : `${host}:${port}`)).join(', ');
      throw named(error, `Could not open the gluster volume '${place.volume}' of ${servers}`);
    }
  }

  /** Opens the image. @throws BlockError */
  async openFile(flags: number): Promise<Handle> {
    const { path } = this.#place;
    return this.library.handle('open', this.fs, path, flags).catch((error: unknown) => {
      throw named(error, `Could not open '${path}' in the gluster volume '${this.#place.volume}'`);
    });
  }

  /** Makes the image, or empties it. @throws BlockError */
  async createFile(flags: number): Promise<Handle> {
    const { path } = this.#place;
    return this.library.handle('create', this.fs, path, flags, 0o644).catch((error: unknown) => {
      throw named(error, `Could not create '${path}' in the gluster volume '${this.#place.volume}'`);
    });
  }

  /** Lets go of the volume, when its files are closed. The library takes ten seconds for it, for which there is no need to wait. */
  close(): void {
    this.library.number('fini', this.fs).catch(() => {});
  }
}

function named(error: unknown, what: string): unknown {
  return error instanceof BlockError ? new BlockError(what, { code: error.code, cause: error }) : error;
}
