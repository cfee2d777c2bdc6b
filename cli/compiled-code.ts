import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { Script } from 'node:vm';
import type { Host } from './host.js';

/** Smaller files compile faster than their compiled code is found. */
const worthKeeping = 500_000;

/** How Node compiles and runs the text of a CommonJS module. */
type Compile = (this: Module, text: string, path: string) => unknown;

/**
 * Runs something that loads large CommonJS files, and keeps what V8 makes of their text for the next run: compiling
 * this program takes much of the time that a run takes. From 22.1 on Node does the same itself (`main.ts` asks it to).
 * Like there, `NODE_DISABLE_COMPILE_CACHE` switches it off.
 */
export async function keepingCompiledCode<T>(env: Host['env'], action: () => Promise<T>): Promise<T> {
  const folder = cacheFolder(env);
  if ('enableCompileCache' in Module || env.NODE_DISABLE_COMPILE_CACHE || folder === undefined) return action();
  const prototype = Module.prototype as unknown as { _compile: Compile };
  const original = prototype._compile;
  const unsaved: (() => void)[] = [];
  prototype._compile = function (text, path) {
    const file = text.length < worthKeeping ? undefined : cacheFile(folder, path, text.length);
    if (file === undefined) return original.call(this, text, path);
    const cachedData = readIfPresent(file);
    const script = new Script(Module.wrap(text), {
      filename: path,
      ...(cachedData && { cachedData }),
    });
    // V8 refuses what another version of it has made.
    if (!cachedData || script.cachedDataRejected) unsaved.push(() => save(file, script));
    const run = script.runInThisContext() as (...parameters: unknown[]) => unknown;
    return run.call(this.exports, this.exports, requireOf(this, path), this, path, dirname(path));
  };
  try {
    return await action();
  } finally {
    prototype._compile = original;
    // Now they hold what ran, which is what the next run needs.
    for (const step of unsaved) step();
  }
}

/** The `require` that a module sees. What is more than a function in it costs time, and is seldom asked for. */
function requireOf(module: Module, path: string): unknown {
  const require = (id: string): unknown => module.require(id);
  for (const name of ['resolve', 'cache', 'extensions', 'main'] as const) {
    Object.defineProperty(require, name, { get: () => createRequire(path)[name] });
  }
  return require;
}

/** The user's folder for what can be made again. */
function cacheFolder({ XDG_CACHE_HOME, HOME, LOCALAPPDATA }: Host['env']): string | undefined {
  const folder = XDG_CACHE_HOME || (HOME ? join(HOME, '.cache') : LOCALAPPDATA);
  return folder ? join(folder, 'qapi-ts') : undefined;
}

/** Where the compiled code of a package's file is kept, under a name that changes when the file does; undefined when the package is unknown. */
function cacheFile(folder: string, path: string, size: number): string | undefined {
  try {
    const { name, version } = packageOf(dirname(path));
    const identity = [name, version, size, statSync(path).mtimeMs, process.version, process.arch].join('\n');
    const key = createHash('sha256').update(identity).digest('hex').slice(0, 16);
    return join(folder, `${basename(path)}-${key}.bin`);
  } catch {
    return undefined;
  }
}

/** The package that a folder belongs to. */
function packageOf(folder: string): PackageJson {
  const text = readIfPresent(join(folder, 'package.json'));
  if (text) return JSON.parse(text.toString()) as PackageJson;
  if (dirname(folder) === folder) throw new Error('no package');
  return packageOf(dirname(folder));
}

interface PackageJson {
  readonly name: string;
  readonly version: string;
}

function readIfPresent(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

/** Keeps the compiled code of a script, and drops that of other versions. Where nothing can be kept, the next run is as slow as this. */
function save(file: string, script: Script): void {
  try {
    const folder = dirname(file);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const kind = basename(file).replace(/-[0-9a-f]+\.bin$/, '');
    for (const name of readdirSync(folder))
      if (name.startsWith(`${kind}-`)) rmSync(join(folder, name), { force: true });
    const unfinished = `${file}.${process.pid}`;
    writeFileSync(unfinished, script.createCachedData(), { mode: 0o600 });
    renameSync(unfinished, file);
  } catch {
    // A full or read-only disk is no reason to fail.
  }
}
