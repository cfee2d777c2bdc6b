import { createHash, type Hash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listFolder } from '../generator/emit/output/folder.js';
import type { GeneratedFile } from '../generator/emit/target.js';
import type { FileHost } from '../generator/syntax/host.js';
import { readRegularFile } from '../generator/syntax/regular-file.js';
import type { GenerateJob } from './generate-job.js';
import type { Amounts } from './generate-summary.js';
import { type Host, wantsColours } from './host.js';

/** What a run has found, which the next one finds again when nothing has changed. */
export interface Findings {
  readonly amounts: Amounts;
  /** What it said on standard error. */
  readonly said: string;
}

/** What is kept of a run. */
interface Kept extends Findings {
  /** The files that it read. */
  readonly read: readonly string[];
  /** The files that it generated, as they are called in the output folder. */
  readonly generated: readonly string[];
  /** Of the contents of all these, and of what else is in the output folder. */
  readonly digest: string;
}

/** How long what is kept of an output folder is of use, in days. */
const keptFor = 90;

/**
 * What the user's cache folder keeps of the last run for an output folder. Where the schema's files, the output and the options are
 * as they were, a run has nothing to do. What cannot be read or written there is no error: then everything is done anew.
 */
export class LastRun {
  readonly #folder: string;
  readonly #file: string;
  readonly #read = new Map<string, Uint8Array>();
  readonly #job: GenerateJob;
  /** The files of the job; what is read of them is noted. */
  readonly files: FileHost;

  private constructor(folder: string, name: string, job: GenerateJob) {
    this.#folder = folder;
    this.#file = join(folder, name);
    this.#job = job;
    this.files = {
      read: async (path) => {
        const contents = await job.files.read(path);
        this.#read.set(path, contents);
        return contents;
      },
      resolve: job.files.resolve,
    };
  }

  /**
   * @param program what tells one version of this program from another
   * @returns undefined where nothing is to be kept
   */
  static of(job: GenerateJob, program: string, host: Host): LastRun | undefined {
    const folder = cacheFolder(host.env);
    if (folder === undefined) return undefined;
    const { schema, dialect, selection, emit, output } = job;
    const options = [selection.onlyDefined, ...selection.defines, emit, wantsColours(host.stderr, host.env)];
    const identity = [program, host.cwd, schema, dialect.name, dialect.newer, options, output];
    const name = createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 32);
    return new LastRun(folder, `generate-${name}.json`, job);
  }

  /** What the last run has found; undefined unless everything is as it was then. */
  async find(): Promise<Findings | undefined> {
    try {
      const kept = JSON.parse(readFileSync(this.#file, 'utf8')) as Kept;
      const hash = createHash('sha256');
      for (const path of kept.read) addTo(hash, path, await this.#job.files.read(path));
      const { path: output } = this.#job.output;
      for (const path of kept.generated) addTo(hash, path, readRegularFile(join(output, path)));
      addFolder(hash, output);
      return hash.digest('hex') === kept.digest ? kept : undefined;
    } catch {
      return undefined;
    }
  }

  /** Keeps a run whose output has been written, or found to be there. */
  keep(files: readonly GeneratedFile[], findings: Findings): void {
    const hash = createHash('sha256');
    for (const [path, contents] of this.#read) addTo(hash, path, contents);
    for (const { path, text } of files) addTo(hash, path, Buffer.from(text));
    addFolder(hash, this.#job.output.path);
    const generated = files.map(({ path }) => path);
    const kept: Kept = { ...findings, read: [...this.#read.keys()], generated, digest: hash.digest('hex') };
    const unfinished = `${this.#file}.${process.pid}`;
    try {
      mkdirSync(this.#folder, { recursive: true });
      writeFileSync(unfinished, JSON.stringify(kept));
      renameSync(unfinished, this.#file);
      removeOld(this.#folder);
    } catch {
      // An unfinished file is removed as an old one some day.
    }
  }
}

function addTo(hash: Hash, path: string, contents: Uint8Array): void {
  hash.update(`${contents.length} ${path}\n`).update(contents);
}

/** A file that was put there since may be one that a run would remove, or that would be in its way. */
function addFolder(hash: Hash, folder: string): void {
  hash.update(JSON.stringify([...listFolder(folder)].sort()));
}

function removeOld(folder: string): void {
  const limit = Date.now() - keptFor * 24 * 60 * 60 * 1000;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (name.startsWith('generate-') && statSync(path).mtimeMs < limit) rmSync(path);
  }
}

/** The user's folder for what can be made again. */
function cacheFolder({ QAPI_TS_CACHE, XDG_CACHE_HOME, HOME, LOCALAPPDATA }: Host['env']): string | undefined {
  if (QAPI_TS_CACHE === 'off') return undefined;
  const folder = XDG_CACHE_HOME || (HOME ? join(HOME, '.cache') : LOCALAPPDATA);
  return folder ? join(folder, 'qapi-ts') : undefined;
}
