import { afterEach, expect, it, vi } from 'vitest';
import type { GlusterLibrary } from '../../../../../runtime/block/drivers/gluster/library.js';
import type { GlusterPlace } from '../../../../../runtime/block/drivers/gluster/options.js';
import { GlusterVolume } from '../../../../../runtime/block/drivers/gluster/volume.js';
import { BlockError } from '../../../../../runtime/block/error.js';

/** Notes the calls that make a connection and end it. */
class NotingLibrary implements Pick<GlusterLibrary, 'number' | 'handle'> {
  readonly calls: string[] = [];
  reachable = true;

  async handle(name: string): Promise<object> {
    this.calls.push(name);
    return {};
  }

  async number(name: string): Promise<number> {
    this.calls.push(name);
    if (name === 'init' && !this.reachable) throw new BlockError('glfs_init failed', { code: 'ENOENT' });
    return 0;
  }
}

function place(volume: string, path: string): GlusterPlace {
  return {
    volume,
    path,
    servers: [{ transport: 'tcp', host: 'localhost', port: 24_007 }],
    debug: 4,
    logfile: undefined,
  };
}

function used(library: NotingLibrary, at: GlusterPlace): Promise<GlusterVolume> {
  return GlusterVolume.use(library as unknown as GlusterLibrary, at);
}

afterEach(() => void vi.useRealTimers());

it('images of one gluster volume share a connection, which ends a minute after its last user has left', async () => {
  vi.useFakeTimers();
  const library = new NotingLibrary();
  const [first, second] = await Promise.all([used(library, place('a', 'x')), used(library, place('a', 'y'))]);
  expect(second).toBe(first);
  expect(library.calls).toEqual(['new', 'server', 'logging', 'init']);
  first.release();
  await vi.advanceTimersByTimeAsync(120_000);
  second.release();
  await vi.advanceTimersByTimeAsync(59_000);
  expect(await used(library, place('a', 'x'))).toBe(first);
  await vi.advanceTimersByTimeAsync(120_000);
  expect(library.calls).not.toContain('fini');
  first.release();
  await vi.advanceTimersByTimeAsync(61_000);
  expect(library.calls.at(-1)).toBe('fini');
  expect(await used(library, place('a', 'x'))).not.toBe(first);
});

it('a gluster volume that could not be connected is tried anew by the next image', async () => {
  const library = new NotingLibrary();
  library.reachable = false;
  await expect(used(library, place('b', 'x'))).rejects.toThrow(
    "Could not open the gluster volume 'b' of localhost:24007",
  );
  library.reachable = true;
  await expect(used(library, place('b', 'x'))).resolves.toBeInstanceOf(GlusterVolume);
});
