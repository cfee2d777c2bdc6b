import { describe, expect, test } from 'vitest';
import type { JobProgress } from '../../../../cli/shell/follow/followed-jobs.js';
import { jobLine } from '../../../../cli/shell/follow/job-line.js';
import { JobLines } from '../../../../cli/shell/follow/job-lines.js';
import { Pace } from '../../../../cli/shell/follow/pace.js';

const MiB = 2 ** 20;
const job = (more: Partial<JobProgress> = {}): JobProgress => ({
  ...{ id: 'b', type: 'backup', status: 'running', current: 430 * MiB, total: 1000 * MiB },
  ...more,
});

describe('the line of a job', () => {
  test('shows what it is, a bar, how far, how fast, and the time left', () => {
    expect(jobLine(job(), 100 * MiB, 79)).toBe(
      'backup b  [============>                 ]   43%  100 MiB/s  0:06 left',
    );
  });

  test('shows no speed before one is known', () => {
    expect(jobLine(job(), undefined, 79)).toBe('backup b  [============>                 ]   43%');
  });

  test('shows no time left when nothing gets done', () => {
    expect(jobLine(job(), 0, 79)).toMatch(/ {3}43% {2}0 B\/s$/);
  });

  test.each([
    [{ current: 0 }, '[>                             ]    0%'],
    [{ current: 0, total: 0 }, '[>                             ]    0%'],
    [{ current: 999.9, total: 1000 }, '[=============================>]   99%'],
    [{ current: 1000, total: 1000 }, '[==============================]  100%'],
    [{ current: 1200, total: 1000 }, '[==============================]  100%'],
  ])('shows %j as %s', (progress, shown) => {
    expect(jobLine(job(progress), undefined, 79)).toBe(`backup b  ${shown}`);
  });

  test.each([
    [1, '1 B/s', '166:06:40'],
    [10, '10 B/s', '16:36:40'],
    [999, '999 B/s', '0:09:58'],
    [1000, '1.0 KiB/s', ''],
    [1024 * 9.96, '10 KiB/s', ''],
    [1024 * 1000, '1.0 MiB/s', ''],
    [5e9, '4.7 GiB/s', ''],
    [5e15, '4547 TiB/s', ''],
  ])('writes %d bytes each second as %s', (rate, shown) => {
    expect(jobLine(job(), rate, 79)).toContain(`%  ${shown}`);
  });

  test.each([
    [59, '0:59'],
    [61, '1:01'],
    [3599.2, '1:00:00'],
    [3600 * 99 + 5, '99:00:05'],
    [3600 * 101, 'days'],
  ])('writes %d seconds as %s', (seconds, shown) => {
    expect(jobLine(job({ current: 0, total: seconds * 8 }), 8, 79)).toMatch(new RegExp(`  8 B/s  ${shown} left$`));
  });

  test('shows what the job waits for in the place of speed and time', () => {
    expect(jobLine(job({ status: 'paused' }), 5, 79)).toMatch(/ {3}43% {2}paused$/);
  });

  test('shows no speed where the progress is not in bytes', () => {
    expect(jobLine(job({ type: 'create', current: 1, total: 2 }), 1, 79)).toMatch(/ {3}50% {2}0:01 left$/);
  });

  test.each([60, 50, 40, 30, 20, 5, 0])('fits into %d columns', (columns) => {
    const line = jobLine(job(), 100 * MiB, columns);
    expect(line.length).toBeLessThanOrEqual(columns);
    expect(line.includes('[')).toBe(columns >= 48);
  });

  test('shows no control characters of a program', () => {
    expect(jobLine(job({ id: 'a\u001b[2J' }), undefined, 79)).not.toContain('\u001b');
  });
});

describe('the speed', () => {
  test('stays unknown before there is enough to say it of', () => {
    const pace = new Pace();
    expect([pace.sample(0, 0), pace.sample(100, 10), pace.sample(500, 100)]).toEqual([undefined, undefined, 200]);
  });

  test('tells of the last ten seconds', () => {
    const pace = new Pace();
    let rate: number | undefined;
    for (let second = 0; second <= 60; second++) rate = pace.sample(second * 1000, second < 30 ? 0 : (second - 30) * 5);
    expect(rate).toBe(5);
    for (let second = 61; second <= 71; second++) rate = pace.sample(second * 1000, 150);
    expect(rate).toBe(0);
  });

  test('begins anew when the progress does', () => {
    const pace = new Pace();
    pace.sample(0, 1000);
    pace.sample(1000, 2000);
    expect(pace.sample(2000, 0)).toBeUndefined();
    expect(pace.sample(3000, 50)).toBe(50);
  });

  test('belongs to each job', () => {
    const lines = new JobLines();
    const at = (a: number, b: number, now: number) =>
      lines.of([job({ id: 'a', current: a }), job({ id: 'b', current: b })], 79, now);
    at(0, 0, 0);
    expect(at(1024, 3072, 1000).map((line) => /% {2}(.*?) {2}/.exec(line)?.[1])).toEqual(['1.0 KiB/s', '3.0 KiB/s']);
  });
});
