import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readSmallFile, type SmallFileRules } from '../../../runtime/block/small-file.js';

const folder = mkdtempSync(join(tmpdir(), 'small-file-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A new file of some contents. */
function file(name: string, contents = 'abc'): string {
  const path = join(folder, name);
  writeFileSync(path, contents);
  return path;
}

const read = (path: string, rules: Partial<SmallFileRules> = {}): Promise<Buffer> =>
  readSmallFile(path, { most: 1000, authorize: async () => {}, ...rules });

describe('reading a file whole', () => {
  it('returns all of it, up to the last byte that it may have', async () => {
    expect(String(await read(file('a', 'x'.repeat(1000))))).toBe('x'.repeat(1000));
    await expect(read(file('b', 'x'.repeat(1001)))).rejects.toMatchObject({ code: 'EFBIG' });
    expect(String(await read(file('empty', '')))).toBe('');
    // Such files say that they have no bytes.
    expect((await read('/proc/self/limits', { most: 1 << 20 })).length).toBeGreaterThan(0);
  });

  it('reads no more of a huge file than it may have', async () => {
    const path = file('huge');
    truncateSync(path, 2 ** 40);
    await expect(read(path)).rejects.toThrow('it has more than 1000 bytes');
  });

  it('waits for no pipe, and opens no device', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    await expect(read(pipe)).rejects.toMatchObject({ code: 'EINVAL', message: expect.stringContaining('is a pipe') });
    for (const device of ['/dev/zero', '/dev/tty', '/dev/null']) {
      await expect(read(device)).rejects.toThrow('is a device or socket, but must be a regular file');
    }
    await expect(read(folder)).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(read(join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('gives up when it takes too long', async () => {
    const path = file('slow');
    const never = new Promise<void>(() => {});
    const began = performance.now();
    await expect(read(path, { authorize: () => never, patience: 20 })).rejects.toMatchObject({
      code: 'ETIMEDOUT',
      message: 'it could not be read within 0.02 seconds',
    });
    expect(performance.now() - began).toBeLessThan(4000);
  });

  it('asks about the file before it is opened, and about what has been opened', async () => {
    const [path, other] = [file('asked'), file('other')];
    const asked: [string, boolean][] = [];
    const authorize = async (name: string, fd?: number): Promise<void> => {
      asked.push([name, fd !== undefined]);
      if (fd !== undefined) throw new Error('not this one');
      unlinkSync(path);
      symlinkSync(other, path);
    };
    await expect(read(path, { authorize })).rejects.toThrow('not this one');
    expect(asked).toEqual([
      [path, false],
      [path, true],
    ]);
  });
});
