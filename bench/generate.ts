/**
 * How fast the generator is, and where the time goes: each stage, the whole process beside the load of ts-morph alone and, where
 * QEMU_SOURCE names a source tree of QEMU, beside its own generator, growth with the schema, and what `--watch` saves. Absolute
 * times are this machine's; the ratios hold anywhere.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { generate } from '../generator/emit/generate.js';
import { resolveOptions } from '../generator/emit/options.js';
import { writeFiles } from '../generator/emit/output/write.js';
import { planOf } from '../generator/emit/plan.js';
import { selectTargets } from '../generator/emit/targets.js';
import { analyse } from '../generator/schema/analyse.js';
import type { Schema } from '../generator/schema/model.js';
import { Dialect } from '../generator/syntax/dialect.js';
import { loadSyntax } from '../generator/syntax/load.js';
import { enlarge } from './enlarge.js';

/** Runs of each whole process; the medians count. */
const RUNS = 9;
/** How many times as large a schema growth is shown by. */
const LARGER = 20;
/** A schema far beyond all that exist has so many definitions. */
const MANY = 200_000;

// As the command line does.
setFlagsFromString('--interrupt-budget=2000000');

const root = join(import.meta.dirname, '..');
const corpus = resolve(root, process.env.QAPI_CORPUS ?? '../shared/corpus');
const schemaPath = process.argv[2] ?? join(corpus, 'releases/10.1/qapi/qapi-schema.json');
const folder = await mkdtemp(join(tmpdir(), 'qapi-ts-bench-'));
const output = join(folder, 'output');

interface Usage {
  readonly cpu: number;
  readonly peak: number;
  readonly wall: number;
}

/** Where Node finds no certificates to parse: with this variable every start takes 30 ms for that, which says nothing about a program. */
const environment: NodeJS.ProcessEnv = { ...process.env, NODE_EXTRA_CA_CERTS: undefined };

/** What one run of a program used as a whole: processor time of all its threads, peak memory. */
function usageOfProgram(program: string, args: readonly string[], more: NodeJS.ProcessEnv = {}): Usage {
  const file = join(folder, 'usage.json');
  const { status, stderr, error } = spawnSync(program, args, {
    env: { ...environment, ...more, QAPI_TS_USAGE: file },
    encoding: 'utf8',
    cwd: root,
  });
  if (status !== 0) throw new Error(`${args.join(' ')} failed\n${error?.message ?? stderr}`);
  return JSON.parse(readFileSync(file, 'utf8')) as Usage;
}

function usageOf(args: readonly string[], more: NodeJS.ProcessEnv = {}): Usage {
  return usageOfProgram(process.execPath, ['--import', join(root, 'bench/usage.mjs'), ...args], more);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number;
}

const ms = (value: number): string => `${value.toFixed(0).padStart(6)} ms`;
const mib = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;

/** Runs something and returns its result and the processor time that it took, in milliseconds. */
async function timed<T>(action: () => T | Promise<T>): Promise<[result: T, time: number]> {
  const before = process.cpuUsage();
  const result = await action();
  const { user, system } = process.cpuUsage(before);
  return [result, (user + system) / 1000];
}

async function stages(): Promise<Schema> {
  const row = (name: string, time: number): void => console.log(`  ${name.padEnd(28)}${ms(time)}`);
  console.log('Stages of one run, each for the first time in its process');
  const [syntax, reading] = await timed(() => loadSyntax(schemaPath));
  row('read, tokens, syntax tree', reading);
  const [{ schema }, checking] = await timed(() => analyse(syntax.tree, Dialect.auto, syntax.diagnostics));
  if (!schema) throw new Error(`${schemaPath} is not valid`);
  row('check, model', checking);
  const [plan, planning] = await timed(() => planOf(schema, resolveOptions({})));
  row('names, places', planning);
  for (const target of selectTargets()) {
    const [, time] = await timed(() => {
      for (const module of schema.modules) target.moduleFile?.(plan, module);
      target.schemaFile?.(plan);
    });
    row(`generate ${target.name}`, time);
  }
  const [files, everything] = await timed(() => generate(schema));
  row('generate all, again', everything);
  row('write', (await timed(() => writeFiles(output, files)))[1]);
  const lines = syntax.tree.modules.reduce((sum, { file }) => sum + file.lineStarts.length, 0);
  console.log(`  ${lines} lines, ${schema.definitions.length} definitions, ${files.length} files\n`);
  return schema;
}

/** A process to measure, and the ratio to the first one of its table that it may have. */
type Row = readonly [name: string, target: number | undefined, run: () => Usage];

/** Runs processes in turn, prints the medians of what they take, and returns those of processor time in milliseconds. */
function measure(rows: readonly Row[]): number[] {
  const usages = rows.map((): Usage[] => []);
  for (let count = 0; count < RUNS; count++) {
    for (const [index, [, , run]] of rows.entries()) usages[index]?.push(run());
  }
  const times = usages.map((row) => median(row.map(({ cpu }) => cpu)) * 1000);
  for (const [index, [name, target]] of rows.entries()) {
    const ratio = median((usages[index] ?? []).map(({ cpu }, round) => cpu / (usages[0]?.[round]?.cpu ?? Number.NaN)));
    const peak = mib(median((usages[index] ?? []).map((usage) => usage.peak)));
    const wanted = target === undefined ? '' : `  (target: at most ${target})`;
    console.log(`  ${name.padEnd(28)}${ms(times[index] ?? 0)}  ${ratio.toFixed(2)}  ${peak.padStart(7)}${wanted}`);
  }
  return times;
}

const program = join(root, 'dist/cli/main.js');
const cache = { XDG_CACHE_HOME: join(folder, 'cache') };
let outputs = 0;

/** A folder that is not there yet. Removing the one before takes longer in some file systems, and slows down what comes next. */
function newOutput(): string {
  return join(folder, `output-${outputs++}`);
}

/** What a whole run costs, beside what it costs to load ts-morph; returns a cold one's processor time in milliseconds. */
function wholeProcess(schema: Schema): number {
  const nothingKept = { QAPI_TS_CACHE: 'off', NODE_DISABLE_COMPILE_CACHE: '1' };
  const tsMorph = ['-e', `require(${JSON.stringify(createRequire(import.meta.url).resolve('ts-morph'))})`];
  const generating = (to: string) => [program, 'generate', schemaPath, '-o', to];
  console.log(`Whole processes, processor time of all threads, medians of ${RUNS} rounds`);
  usageOf(generating(output), cache);
  const times = measure([
    ["require('ts-morph')", undefined, () => usageOf(tsMorph)],
    ['node -e 0', undefined, () => usageOf(['-e', '0'])],
    ['qapi-ts --version', 0.2, () => usageOf([program, '--version'])],
    ['check', 0.45, () => usageOf([program, 'check', schemaPath], cache)],
    ['generate', 0.75, () => usageOf(generating(newOutput()), cache)],
    ['generate, nothing to do', 0.4, () => usageOf(generating(output), cache)],
    ['generate, nothing kept', 0.9, () => usageOf(generating(newOutput()), nothingKept)],
  ]);
  const cold = times.at(-1) ?? Number.NaN;
  console.log('  peak memory: target at most 100 MiB');
  console.log(
    `  definitions per second of generate  ${Math.round((1000 * schema.definitions.length) / (times[4] ?? 0))}\n`,
  );
  return cold;
}

/** What it costs to generate C with QEMU's own generator, and TypeScript of the same schema. */
function besideQemu(): void {
  const source = process.env.QEMU_SOURCE;
  if (source === undefined) {
    console.log("QEMU's own generator is left out: QEMU_SOURCE names no source tree of QEMU\n");
    return;
  }
  const schema = join(source, 'qapi/qapi-schema.json');
  const reference = [join(root, 'bench/usage.py'), join(source, 'scripts/qapi-gen.py'), schema, '-o'];
  console.log(`Beside QEMU's own generator, both with the schema of ${source}`);
  measure([
    ["QEMU's own generator", undefined, () => usageOfProgram('python3', [...reference, newOutput()])],
    ['generate', 0.6, () => usageOf([program, 'generate', schema, '-o', newOutput()], cache)],
    ['check', undefined, () => usageOf([program, 'check', schema], cache)],
  ]);
  console.log();
}

/** What a script of this folder prints, in a process of its own. */
function run<T>(script: string, ...args: readonly string[]): T {
  const command = [join(root, 'build/run.mjs'), join(root, 'bench', script), ...args];
  const { stdout, stderr, status } = spawnSync(process.execPath, command, { encoding: 'utf8', env: environment });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as T;
}

async function growth(): Promise<void> {
  const larger = await enlarge(schemaPath, LARGER, join(folder, 'larger'));
  type OneRun = readonly [load: number, generate: number, peak: number];
  const small = [0, 1, 2].map(() => run<OneRun>('one-run.ts', schemaPath));
  const large = [0, 1, 2].map(() => run<OneRun>('one-run.ts', larger));
  const of = (runs: typeof small, part: 0 | 1): number => median(runs.map((one) => one[part]));
  console.log(`A schema ${LARGER} times as large, processor time without start-up, medians of 3`);
  for (const [name, part] of [
    ['read and check', 0],
    ['generate', 1],
  ] as const) {
    const factor = of(large, part) / of(small, part);
    console.log(`  ${name.padEnd(28)}${ms(of(large, part))}: ${factor.toFixed(1)} times as long`);
  }
  console.log(`  peak memory ${mib(median(large.map(([, , peak]) => peak)))}\n`);
}

/** The memory in which a schema of very many definitions is checked. */
async function memory(): Promise<void> {
  const schema = join(folder, 'many.json');
  const structs = Array.from(
    { length: MANY },
    (_, index) => `{ 'struct': 'Abc${index}', 'data': { 'a': 'int', '*b': 'str' } }\n`,
  );
  await writeFile(schema, structs.join(''));
  const { cpu, peak } = usageOf([join(root, 'dist/cli/main.js'), 'check', schema]);
  console.log(
    `check of ${MANY} structs: peak memory ${mib(peak)} (target: at most 700 MiB), ${ms(cpu * 1000).trim()}\n`,
  );
}

/** What a change to one module costs, in a process that has generated before and done nothing else, beside what a cold run costs. */
function watching(cold: number): void {
  const runs = [0, 1, 2].map(() => run<Record<string, number>>('watching.ts', schemaPath, output));
  const row = (name: string, of: (times: Record<string, number>) => number): void => {
    const time = median(runs.map(of));
    console.log(`  ${name.padEnd(28)}${ms(time)}: ${((100 * time) / cold).toFixed(0)} % of a cold run`);
  };
  const count = Object.keys(runs[0] ?? {}).length;
  console.log(
    `Watching: a change to one module, for each of ${count} modules in turn, medians of 3 (target: at most 10 %)`,
  );
  row('median', (times) => median(Object.values(times)));
  row(
    'the largest module',
    (times) => Object.entries(times).find(([path]) => path.endsWith('/block-core.json'))?.[1] ?? Number.NaN,
  );
}

try {
  const schema = await stages();
  const cold = wholeProcess(schema);
  besideQemu();
  await growth();
  await memory();
  watching(cold);
} finally {
  await rm(folder, { recursive: true, force: true });
}
