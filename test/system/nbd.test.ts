import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { NbdServer } from '../../runtime/block/nbd/server.js';
import { MemoryExport } from '../runtime/block/nbd/memory-export.js';
import { describeWithPrograms } from './programs.js';

const run = promisify(execFile);
const MiB = 1 << 20;

describeWithPrograms('NBD server', ['nbdinfo', 'nbdcopy', 'qemu-io', 'qemu-img'], () => {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-nbd-'));
  const server = new NbdServer({
    onProblem: (problem) => {
      throw problem;
    },
  });
  const disk = new MemoryExport('disk', 16 * MiB);
  const uri = `nbd+unix:///disk?socket=${join(folder, 'socket')}`;

  beforeAll(async () => {
    server.add(disk);
    server.add(new MemoryExport('fixed', MiB, true));
    await server.listen({ path: join(folder, 'socket') });
  });
  afterAll(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  it('describes its exports to nbdinfo', async () => {
    const { stdout } = await run('nbdinfo', ['--json', '--list', uri.replace('/disk?', '?')]);
    const { exports } = JSON.parse(stdout) as { exports: Record<string, unknown>[] };
    expect(exports).toEqual([
      expect.objectContaining({
        'export-name': 'disk',
        'export-size': 16 * MiB,
        is_read_only: false,
        can_fast_zero: true,
      }),
      expect.objectContaining({ 'export-name': 'fixed', 'export-size': MiB, is_read_only: true, can_trim: false }),
    ]);
  });

  it('does what qemu-io asks for, and tells which parts are allocated', async () => {
    const commands = [
      'write -P 7 1M 3M',
      'write -z 2M 64k',
      'discard 3M 64k',
      'flush',
      'read -P 7 1M 1M',
      'read -P 0 2M 64k',
    ];
    const { stdout } = await run('qemu-io', ['-f', 'raw', ...commands.flatMap((command) => ['-c', command]), uri]);
    expect(stdout).not.toMatch(/failed|verification/i);
    const { stdout: map } = await run('nbdinfo', ['--map', '--json', uri]);
    const parts = JSON.parse(map) as { offset: number; length: number; type: number }[];
    // Type 3 is a hole that reads as zeroes, 0 is data. `write -z` asks for zeroes that stay allocated.
    expect(parts.map(({ offset, type }) => [offset / 65_536, type])).toEqual([
      [0, 3],
      [16, 0],
      [48, 3],
      [49, 0],
      [64, 3],
    ]);
    expect(parts.reduce((sum, { length }) => sum + length, 0)).toBe(16 * MiB);
  });

  it('refuses writes to a read-only export', async () => {
    const fixed = uri.replace('/disk?', '/fixed?');
    await expect(run('qemu-io', ['-f', 'raw', '-c', 'write 0 4k', fixed])).rejects.toThrow();
  });

  it('takes an image from nbdcopy and gives it back the same', async () => {
    const [image, copy] = [join(folder, 'image'), join(folder, 'copy')];
    writeFileSync(image, randomBytes(16 * MiB));
    await run('nbdcopy', [image, uri]);
    await run('qemu-img', ['compare', '-f', 'raw', '-F', 'raw', image, uri]);
    await run('nbdcopy', [uri, copy]);
    await run('cmp', [image, copy]);
  });
});
