import { isJsonObject, type JsonObject, type JsonValue } from '../../../runtime/json/value.js';
import { OptionError } from '../../../runtime/visit/option-error.js';
import type { Request } from '../request.js';

/** Commands that start a job, of any release; actions of transactions are called as they are. */
const starting = new Set([
  'block-stream',
  'block-commit',
  'drive-mirror',
  'blockdev-mirror',
  'drive-backup',
  'blockdev-backup',
  'blockdev-create',
  'x-blockdev-create',
  'x-blockdev-amend',
  'snapshot-save',
  'snapshot-load',
  'snapshot-delete',
]);

/** Takes `--follow` off the end of a line. */
export function withoutFollow(line: string): { readonly line: string; readonly follow: boolean } {
  const [, rest] = /^(.*\S)\s+--follow$/s.exec(line) ?? [];
  return rest === undefined ? { line, follow: false } : { line: rest, follow: true };
}

/** The jobs that a line `follow JOB …` names; undefined for other lines. @throws OptionError when it names none */
export function jobsToFollow(line: string): string[] | undefined {
  const [word, ...ids] = line.split(/\s+/);
  if (word !== 'follow') return undefined;
  if (ids.length === 0) throw new OptionError("follow which job? Write 'follow JOB'");
  return [...new Set(ids)];
}

/** The jobs that a command starts. @throws OptionError when it starts none, or does not say what they are called */
export function startedJobs({ command, arguments: args = {} }: Request): string[] {
  const { actions } = args;
  const started =
    command === 'transaction' && Array.isArray(actions)
      ? actions.filter(isJsonObject).map(({ type, data }) => ({ name: type, data }))
      : [{ name: command, data: args }];
  const jobs = started.filter(({ name }) => starting.has(String(name)));
  if (jobs.length === 0) throw new OptionError(`${command} starts no job that could be followed`);
  return jobs.map(({ name, data }) => idOf(String(name), data));
}

function idOf(name: string, data: JsonValue | undefined): string {
  const { 'job-id': id, device } = isJsonObject(data) ? data : ({} as JsonObject);
  const found = id ?? device;
  if (typeof found !== 'string') throw new OptionError(`${name} can be followed when its 'job-id' is given`);
  return found;
}
