import fs, { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OpenFile } from '../../../../runtime/block/drivers/file/open-file.js';
import { QuickWrites, writesQuickly } from '../../../../runtime/block/drivers/file/quick-writes.js';
import { TurnBudget } from '../../../../runtime/block/drivers/file/turn-budget.js';

const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-quick-'));
const path = join(folder, 'image');
const opened: number[] = [];
const data = Buffer.alloc(4096, 7);

function open(name = path, flags = 'r+'): number {
  const fd = openSync(name, flags);
  opened.push(fd);
  return fd;
}

beforeEach(() => writeFileSync(path, ''));
afterEach(() => {
  vi.restoreAllMocks();
  for (const fd of opened.splice(0)) closeSync(fd);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a write to a file of this machine', () => {
  it('runs at once', () => {
    const quick = new QuickWrites(open(), new TurnBudget(4096));
    expect(quick.write(data, 512)).toBe(4096);
    expect(readFileSync(path)).toEqual(Buffer.concat([Buffer.alloc(512), data]));
  });

  it('goes to a thread when it is large, and when as much as one turn may write has been written', async () => {
    const quick = new QuickWrites(open(), new TurnBudget(10_000));
    expect(quick.write(Buffer.alloc(2 ** 18 + 1), 0)).toBe(0);
    expect([0, 1, 2].map(() => quick.write(data, 0))).toEqual([4096, 4096, 0]);
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(quick.write(data, 0)).toBe(4096);
  });

  it('goes to threads after long waits, for twenty times as long as they took beyond 50 ms', () => {
    let now = 0;
    let duration = 1;
    vi.spyOn(fs, 'writeSync').mockImplementation((_fd, buffer) => {
      now += duration;
      return buffer.length;
    });
    const quick = new QuickWrites(open(), new TurnBudget(2 ** 20), () => now);
    for (let times = 0; times < 50; times++) expect(quick.write(data, 0)).toBe(4096);
    duration = 60;
    expect(quick.write(data, 0)).toBe(4096);
    now += 199;
    expect(quick.write(data, 0)).toBe(0);
    now += 1;
    expect(quick.write(data, 0)).toBe(4096);
  });

  it('runs at once still after waits of some milliseconds that come now and then, and not when they come all the time', () => {
    let now = 0;
    vi.spyOn(fs, 'writeSync').mockImplementation((_fd, buffer) => {
      now += 4;
      return buffer.length;
    });
    const quick = new QuickWrites(open(), new TurnBudget(2 ** 20), () => now);
    for (let times = 0; times < 100; times++) {
      expect(quick.write(data, 0)).toBe(4096);
      now += 80;
    }
    const all = Array.from({ length: 40 }, () => quick.write(data, 0));
    expect(all.filter((written) => written > 0).length).toBeLessThan(15);
  });

  it('goes to a thread while a flush runs, also after one that failed', async () => {
    const quick = new QuickWrites(open(), new TurnBudget(2 ** 20));
    const during = quick.during(async () => {
      await new Promise(setImmediate);
      throw new Error('the disk is gone');
    });
    expect(quick.write(data, 0)).toBe(0);
    await expect(during).rejects.toThrow('the disk is gone');
    expect(quick.write(data, 0)).toBe(4096);
  });

  it.skipIf(process.platform !== 'linux')('reports a full disk', () => {
    const quick = new QuickWrites(open('/dev/full', 'w'), new TurnBudget(2 ** 20));
    expect(() => quick.write(data, 0)).toThrow(expect.objectContaining({ code: 'ENOSPC', name: 'BlockError' }));
  });
});

describe('an open file', () => {
  it('lets a thread write what a quick write has left', async () => {
    const file = await OpenFile.open({ path }, { readOnly: false, direct: false }, undefined);
    const { writeSync } = fs;
    const short = (fd: number, buffer: Buffer, from: number, _length: number, at: number): number =>
      writeSync(fd, buffer, from, 1000, at);
    vi.spyOn(fs, 'writeSync').mockImplementation(short as typeof fs.writeSync);
    const whole = Buffer.from(Array.from(data, (_, index) => index % 251));
    await file.write(100, whole);
    expect(readFileSync(path).subarray(100)).toEqual(whole);
    await file.close();
  });

  it('rejects when a quick write fails', async () => {
    const file = await OpenFile.open({ path }, { readOnly: false, direct: false }, undefined);
    const failure = Object.assign(new Error('no room'), { code: 'ENOSPC' });
    const fail = (): never => {
      throw failure;
    };
    vi.spyOn(fs, 'writeSync').mockImplementation(fail);
    vi.spyOn(fs, 'write').mockImplementation(((...values: unknown[]) =>
      (values.at(-1) as (error: Error) => void)(failure)) as typeof fs.write);
    await expect(file.write(0, data)).rejects.toMatchObject({ code: 'ENOSPC' });
    await file.close();
  });
});

describe.skipIf(process.platform !== 'linux')('files whose writes are quick', () => {
  it.each(['/dev/null', '/proc/self/comm', '/dev/full'])('exclude %s', async (name) => {
    expect(await writesQuickly(open(name, 'w'))).toBe(false);
  });

  it('exclude those whose file system is unknown', async () => {
    vi.spyOn(fs.promises, 'statfs').mockResolvedValue({ type: 0x6573_5546 } as fs.StatsFs);
    expect(await writesQuickly(open())).toBe(false);
  });

  it('include a regular file on ext4', async () => {
    vi.spyOn(fs.promises, 'statfs').mockResolvedValue({ type: 0xef53 } as fs.StatsFs);
    expect(await writesQuickly(open())).toBe(true);
  });
});
