/**
 * How fast the generator is, and where the time goes: each stage, the whole process beside the load of ts-morph alone, growth
 * with the schema, and what `--watch` saves. Absolute times are this machine's; the ratios hold anywhere.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { generate, incrementalGenerator } from '../generator/emit/generate.js';
import { resolveOptions } from '../generator/emit/options.js';
import { writeFiles } from '../generator/emit/output/write.js';
import { planOf } from '../generator/emit/plan.js';
import { selectTargets } from '../generator/emit/targets.js';
import { analyse } from '../generator/schema/analyse.js';
import { loadSchema } from '../generator/schema/load.js';
import type { Schema } from '../generator/schema/model.js';
import { Dialect } from '../generator/syntax/dialect.js';
import { nodeHost } from '../generator/syntax/host.js';
import { loadSyntax } from '../generator/syntax/load.js';
import { enlarge } from './enlarge.js';

/** Runs of each whole process; the medians count. */
const RUNS = 9;
/** How many times as large a schema growth is shown by. */
const LARGER = 20;

// As the command line does.
setFlagsFromString('--interrupt-budget=1000000');

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

/** What one run of Node used as a whole: processor time of all its threads, peak memory. */
function usageOf(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Usage {
  const file = join(folder, 'usage.json');
  const { status, stderr } = spawnSync(process.execPath, ['--import', join(root, 'bench/usage.mjs'), ...args], {
    env: { ...process.env, ...environment, QAPI_TS_USAGE: file },
    encoding: 'utf8',
    cwd: root,
  });
  if (status !== 0) throw new Error(`${args.join(' ')} failed\n${stderr}`);
  return JSON.parse(readFileSync(file, 'utf8')) as Usage;
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

async function wholeProcess(schema: Schema): Promise<number> {
  const run = [join(root, 'dist/cli/main.js'), 'generate', schemaPath, '-o'];
  const tsMorph = ['-e', `require(${JSON.stringify(createRequire(import.meta.url).resolve('ts-morph'))})`];
  usageOf([...run, output]);
  const pairs: [generator: Usage, load: Usage][] = [];
  const cold: number[] = [];
  for (let count = 0; count < RUNS; count++) {
    await rm(output, { recursive: true, force: true });
    pairs.push([usageOf([...run, output]), usageOf(tsMorph)]);
    await rm(output, { recursive: true, force: true });
    cold.push(usageOf([...run, output], { NODE_DISABLE_COMPILE_CACHE: '1' }).cpu);
  }
  const cpu = median(pairs.map(([generator]) => generator.cpu));
  const load = median(pairs.map(([, { cpu }]) => cpu));
  const ratio = median(pairs.map(([generator, { cpu }]) => generator.cpu / cpu));
  const peak = Math.max(...pairs.map(([generator]) => generator.peak));
  console.log(`Whole process, processor time of all threads, medians of ${RUNS} pairs`);
  console.log(`  qapi-ts generate            ${ms(cpu * 1000)}`);
  console.log(`  require('ts-morph')         ${ms(load * 1000)}`);
  console.log(`  ratio                       ${ratio.toFixed(2).padStart(6)}     (target: at most 1.8)`);
  console.log(`  cold: no compiled code kept ${ms(median(cold) * 1000)}`);
  console.log(`  peak memory                 ${mib(peak).padStart(6)}  (target: below 300 MiB)`);
  console.log(`  definitions per second      ${Math.round(schema.definitions.length / cpu)}\n`);
  return median(cold) * 1000;
}

async function growth(): Promise<void> {
  const larger = await enlarge(schemaPath, LARGER, join(folder, 'larger'));
  const run = (schema: string): [load: number, generate: number, peak: number] => {
    const script = join(root, 'bench/one-run.ts');
    const { stdout, stderr, status } = spawnSync(process.execPath, [join(root, 'run.mjs'), script, schema], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as [number, number, number];
  };
  const small = [0, 1, 2].map(() => run(schemaPath));
  const large = [0, 1, 2].map(() => run(larger));
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

/** What a change to one module costs, in a process that has generated before, beside what a cold run costs. */
async function watching(cold: number): Promise<void> {
  const changes = new Map<string, string>();
  const host = {
    resolve: nodeHost.resolve,
    async read(path: string) {
      const change = changes.get(nodeHost.resolve(path));
      const before = await nodeHost.read(path);
      return change === undefined ? before : Buffer.concat([before, Buffer.from(change)]);
    },
  };
  const generateAgain = incrementalGenerator();
  const once = async (): Promise<readonly string[]> => {
    const { schema, files } = await loadSchema(schemaPath, { host });
    if (!schema) throw new Error('the schema is not valid');
    writeFiles(output, generateAgain(schema));
    return files;
  };
  const modules = await once();
  const times: number[] = [];
  for (const [index, module] of modules.entries()) {
    changes.set(nodeHost.resolve(module), `\n{ 'struct': 'BenchChange${index}', 'data': { 'a': 'int' } }\n`);
    times.push((await timed(once))[1]);
  }
  const row = (name: string, time: number): void =>
    console.log(`  ${name.padEnd(28)}${ms(time)}: ${((100 * time) / cold).toFixed(0)} % of a cold run`);
  console.log(`Watching: a change to one module, for each of ${modules.length} modules in turn (target: below 15 %)`);
  row('median', median(times));
  row('the largest module', times[modules.findIndex((path) => path.endsWith('/block-core.json'))] ?? Number.NaN);
}

try {
  const schema = await stages();
  const cold = await wholeProcess(schema);
  await growth();
  await watching(cold);
} finally {
  await rm(folder, { recursive: true, force: true });
}
