import { visible } from '../pretty.js';
import type { JobProgress } from './followed-jobs.js';

/** The widest and the narrowest bar, in characters. */
const widest = 30;
const narrowest = 8;

/** Kinds of jobs whose progress is not in bytes. */
const withoutBytes = /create|amend|snapshot/;

/**
 * A job on one line: what it is, how far it is, how fast, and how long it still takes.
 *
 * @param rate what it gets done each second; undefined when that is not known yet
 * @param columns how wide the line may be
 */
export function jobLine(job: JobProgress, rate: number | undefined, columns: number): string {
  const { id, type, status, current, total } = job;
  const share = total > 0 ? Math.min(1, current / total) : 0;
  // It does not say 100% before that is so.
  const percent = `${Math.floor(share * 100)}%`.padStart(4);
  const isRunning = status === undefined || status === 'running';
  const after = [
    percent,
    ...(isRunning && rate !== undefined && !withoutBytes.test(type) ? [`${size(rate)}/s`] : []),
    ...(isRunning && rate !== undefined && rate > 0 ? [`${duration((total - current) / rate)} left`] : []),
    ...(isRunning ? [] : [visible(status)]),
  ].join('  ');
  const before = visible(type === '' ? id : `${type} ${id}`);
  const room = columns - before.length - after.length - '  []  '.length;
  if (room < narrowest) return `${before}  ${after}`.slice(0, Math.max(0, columns));
  return `${before}  [${bar(share, Math.min(room, widest))}]  ${after}`;
}

function bar(share: number, width: number): string {
  const done = Math.floor(share * width);
  return '='.repeat(done) + (done < width ? '>' : '') + ' '.repeat(Math.max(0, width - done - 1));
}

/** Bytes with three digits at most. */
function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1024;
  return `${value < 9.95 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** Seconds as minutes and seconds, from an hour on with hours. */
function duration(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours > 99) return 'days';
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
