import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Config } from '../generator/config.js';
import { type OptionName, optionTable } from '../generator/emit/option-table.js';
import { readRegularFile, reasonOf } from '../generator/syntax/regular-file.js';
import { nearMiss } from '../generator/text/near-miss.js';
import { SourceFile } from '../generator/text/source-file.js';
import { complaintAboutValue } from './config-values.js';
import type { Host } from './host.js';
import { UserError } from './user-error.js';

/** A configuration as it was found. Its paths are absolute. */
export interface FoundConfig {
  /** The file, as to be named to the user. */
  readonly file: string;
  readonly config: Config;
}

const names = ['qapi-ts.config.json', 'qapi-ts.config.ts', 'qapi-ts.config.js'] as const;

/** Reads the configuration of the nearest folder, from `cwd` upwards, that has one. */
export async function findConfig({ cwd }: Pick<Host, 'cwd'>): Promise<FoundConfig | undefined> {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const present = names.filter((name) => existsSync(join(folder, name)));
    const [name, other] = present;
    if (other !== undefined) {
      throw new UserError(`two configurations in ${folder}: ${name} and ${other}`, { hint: 'keep one of them' });
    }
    if (name !== undefined) return readConfig(join(folder, name), cwd);
    if (dirname(folder) === folder) return undefined;
  }
}

async function readConfig(path: string, cwd: string): Promise<FoundConfig> {
  const file = relative(cwd, path);
  const value = path.endsWith('.json') ? await readJson(path, file) : await importDefault(path, file);
  return { file, config: withAbsolutePaths(checked(value, file), dirname(path)) };
}

function readWhole(path: string, file: string): Uint8Array {
  try {
    return readRegularFile(path);
  } catch (error) {
    throw new UserError(`cannot read ${file}: ${reasonOf(error)}`, { cause: error });
  }
}

async function readJson(path: string, file: string): Promise<unknown> {
  const text = Buffer.from(readWhole(path, file)).toString('utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    const message = messageOf(error);
    // Node tells the place for some mistakes only.
    const [, offset] = /at position (\d+)/.exec(message) ?? [];
    const { line, column } = new SourceFile(file, text).positionAt(Number(offset));
    const place = offset === undefined ? file : `${file}:${line}:${column}`;
    throw new UserError(`${place}: ${message}`, { cause: error });
  }
}

/** The default export of a module. Node before 22.18 reads no TypeScript, so it gets JavaScript made from it. */
async function importDefault(path: string, file: string): Promise<unknown> {
  const native = (process.features as { typescript?: unknown }).typescript;
  let stripped: string | undefined;
  try {
    if (path.endsWith('.ts') && !native) stripped = await (await import('./strip-types.js')).stripTypes(path);
    // The query makes a watcher see the file anew.
    const module: object = await import(`${pathToFileURL(stripped ?? path).href}?${Date.now()}`);
    if ('default' in module) return module.default;
  } catch (error) {
    throw new UserError(`${file}: ${messageOf(error)}`, { cause: error });
  } finally {
    if (stripped !== undefined) await rm(stripped, { force: true });
  }
  throw new UserError(`${file} has no default export`, { hint: 'write `export default { schema: …, output: … }`' });
}

function checked(value: unknown, file: string): Config {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UserError(`${file}: a configuration is an object`, { hint: 'such as { "schema": …, "output": … }' });
  }
  for (const [key, part] of Object.entries(value)) {
    if (key === '$schema') continue;
    if (!Object.hasOwn(optionTable, key)) {
      const names = Object.keys(optionTable);
      const near = nearMiss(key, names);
      throw new UserError(`${file}: unknown key '${key}'`, {
        hint: near ? `did you mean '${near}'?` : `the keys are ${names.join(', ')}`,
      });
    }
    const complaint = complaintAboutValue(optionTable[key as OptionName], part);
    if (complaint !== undefined) throw new UserError(`${file}: '${key}' ${complaint}`);
  }
  return value;
}

function withAbsolutePaths(config: Config, folder: string): Config {
  const absolute = Object.entries(config).map(([name, value]) => {
    const kind = optionTable[name as OptionName]?.kind;
    const isPath = kind === 'path' || (kind === 'specifier' && String(value).startsWith('.'));
    return [name, isPath ? resolve(folder, String(value)) : value];
  });
  return Object.fromEntries(absolute) as Config;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
