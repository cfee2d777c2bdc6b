import type { BlockHost } from '../../driver.js';
import { BlockError, blockErrorOf } from '../../error.js';
import { readSmallFile } from '../../small-file.js';

/** A group of a configuration file: `[name]` and the assignments below it. */
export interface ConfigGroup {
  readonly name: string;
  /** The line of its name, counted from 1. */
  readonly line: number;
  /** The last value that each name got, and the line where it did. */
  readonly values: ReadonlyMap<string, { readonly value: string; readonly line: number }>;
}

/** Rules are written by hand: what is larger is something else. */
const largestFile = 1024 * 1024;

/** A name, and perhaps an id, which means nothing to blkdebug. */
const groupLine = /^\[\s*([^\s\]"]+)\s*(?:"[^"]*"\s*)?\]\s*(?:#.*)?$/;
const assignment = /^([^\s=]+)\s*=\s*"([^"]*)"\s*(?:#.*)?$/;

/**
 * Reads a configuration file.
 *
 * @throws BlockError when it cannot be read, or is not written as one; with the line
 */
export async function readConfigFile(path: string, host: BlockHost): Promise<ConfigGroup[]> {
  let text: Buffer;
  try {
    text = await readSmallFile(path, { most: largestFile, authorize: (...file) => host.authorize(...file) });
  } catch (error) {
    throw blockErrorOf(error, `Could not read blkdebug config file '${path}'`);
  }
  return parseConfig(text.toString(), path);
}

/**
 * The groups of a configuration file, in order: lines that are `[group]`, `name = "value"`, a comment after `#`, or empty.
 *
 * @param path for messages
 * @throws BlockError for the first line that is nothing of that
 */
export function parseConfig(text: string, path: string): ConfigGroup[] {
  const groups: { name: string; line: number; values: Map<string, { value: string; line: number }> }[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = index + 1;
    const content = raw.trim();
    if (content === '' || content.startsWith('#')) continue;
    const refuse = (problem: string): never => {
      throw new BlockError(`${path}:${line}: ${problem}`, { code: 'EINVAL' });
    };
    const [, name] = groupLine.exec(content) ?? [];
    if (name !== undefined) {
      groups.push({ name, line, values: new Map() });
      continue;
    }
    const [, key, value] = assignment.exec(content) ?? [];
    if (key === undefined || value === undefined) {
      return refuse(`expected a [group] or a line like 'event = "read_aio"', with the value in double quotes`);
    }
    const group = groups.at(-1) ?? refuse(`'${key}' belongs to no group; begin one with [inject-error] or [set-state]`);
    group.values.set(key, { value, line });
  }
  return groups;
}
