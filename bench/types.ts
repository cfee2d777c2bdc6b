/**
 * What types cost: the processor time of whole runs of `tsc` for programs that import more and more of what is generated, in the
 * compilers that are supported, and how long an editor takes to complete and to explain a command's name. Ratios hold anywhere.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { generate } from '../generator/emit/generate.js';
import { writeFiles } from '../generator/emit/output/write.js';
import { generateReleases } from '../generator/emit/releases/generate-releases.js';
import type { GeneratedFile } from '../generator/emit/target.js';
import { loadSchema } from '../generator/schema/load.js';
import { editorFor } from '../test/language-service.js';

/** Runs of each compiler on each program; the medians count. */
const RUNS = 3;
/** Openings of an editor, whose answers are compared by their medians. */
const OPENINGS = 3;
/** One command through `client.ts`, as a multiple of the runtime alone. */
const COMMAND_TARGET = 1.6;
/** Completing a command's name through `client.ts`, as a part of the time through `index.ts`. */
const COMPLETION_TARGET = 0.3;

const root = join(import.meta.dirname, '..');
const corpus = resolve(root, process.env.QAPI_CORPUS ?? '../shared/corpus');
const schemaPath = process.argv[2] ?? join(corpus, 'releases/10.1/qapi/qapi-schema.json');

const client = (door: string): string => `import { connect } from 'qapi-ts/runtime';
import type { Commands, Events } from './generated/${door}.js';
const client = await connect<{ commands: Commands; events: Events }>('/run/qmp.sock');
`;
const command = (door: string): string => `${client(door)}await client.execute('query-status');\n`;

/** What is compiled, in the order of the table; `alone` is what the others are compared with. */
const programs = {
  empty: 'export {};\n',
  alone: "import { connect } from 'qapi-ts/runtime';\nawait connect('/run/qmp.sock');\n",
  'one command by client.ts': command('client'),
  'one command by index.ts': command('index'),
  'one of three releases': `import { connect } from 'qapi-ts/runtime';
import type { Schema } from './releases/client.js';
const client = await connect<Schema<'7.2..10.1'>>('/run/qmp.sock');
await client.execute('query-status');
`,
  'the whole tree': "import * as generated from './generated/index.js';\nconsole.log(generated);\n",
};

const settings = {
  target: 'es2023',
  lib: ['es2023', 'esnext.disposable'],
  module: 'nodenext',
  types: ['node'],
  noEmit: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
};

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number;
}

function verdict(ratio: number, target: number): string {
  return `  target ${target}: ${ratio <= target ? 'met' : 'missed'}`;
}

/** The processor time of a program and all that it starts, in seconds: the compiler of TypeScript 7 is a process of its own. */
function cpuOf(cwd: string, args: readonly string[]): number {
  const script = `TIMEFORMAT='cpu %U %S'; time "$0" "$@"`;
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script, process.execPath, ...args], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  const [, user, system] = /cpu ([\d.]+) ([\d.]+)/.exec(stderr) ?? [];
  if (status !== 0 || user === undefined) throw new Error(`${args.join(' ')} failed\n${stdout}${stderr}`);
  return Number(user) + Number(system);
}

/** A folder in which a program finds the package as it is built, and the generated code. */
async function install(folder: string): Promise<void> {
  await mkdir(join(folder, 'node_modules/@types'), { recursive: true });
  await symlink(root, join(folder, 'node_modules/qapi-ts'), 'dir');
  for (const name of ['@types/node', 'undici-types'])
    await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name), 'dir');
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
}

async function compilers(folder: string): Promise<void> {
  const names = Object.keys(programs);
  for (const [index, text] of Object.values(programs).entries()) {
    await writeFile(join(folder, `program-${index}.ts`), text);
    const config = { compilerOptions: settings, files: [`program-${index}.ts`] };
    await writeFile(join(folder, `tsconfig-${index}.json`), JSON.stringify(config));
  }
  for (const compiler of ['typescript-5.9', 'typescript']) {
    const installed = join(root, 'node_modules', compiler);
    const { version } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as { version: string };
    const times = names.map((): number[] => []);
    for (let run = 0; run < RUNS; run++) {
      for (const [index, all] of times.entries())
        all.push(cpuOf(folder, [join(installed, 'bin/tsc'), '-p', `tsconfig-${index}.json`]));
    }
    const alone = median(times[names.indexOf('alone')] ?? []);
    console.log(`tsc of TypeScript ${version}, processor time, and as a multiple of the runtime alone`);
    for (const [index, name] of names.entries()) {
      const time = median(times[index] ?? []);
      const ratio = time / alone;
      const judged = name === 'one command by client.ts' ? verdict(ratio, COMMAND_TARGET) : '';
      const title = name === 'alone' ? 'the runtime alone' : name;
      console.log(`  ${title.padEnd(26)}${time.toFixed(2).padStart(7)} s${ratio.toFixed(2).padStart(7)}${judged}`);
    }
    console.log();
  }
}

/** Milliseconds of processor time until a freshly opened editor has answered. */
function answer(
  files: Readonly<Record<string, string>>,
  ask: (editor: ReturnType<typeof editorFor>) => unknown,
): number {
  const editor = editorFor(files);
  const before = process.cpuUsage();
  if (ask(editor) === undefined) throw new Error('the editor has no answer');
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** An editor that has been used before answers a change of the program: what a user feels at each key. */
function again(
  files: Readonly<Record<string, string>>,
  ask: (editor: ReturnType<typeof editorFor>) => unknown,
): number {
  const editor = editorFor(files);
  ask(editor);
  const before = process.cpuUsage();
  ask(editor);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function editors(files: Readonly<Record<string, string>>, several: Readonly<Record<string, string>>): void {
  const questions = {
    'completing a command': (door: string) => (editor: ReturnType<typeof editorFor>) =>
      editor.completions(`${client(door)}client.commands['⟦⟧']`),
    'hovering a command': (door: string) => (editor: ReturnType<typeof editorFor>) =>
      editor.hover(`${client(door)}client.commands['⟦query-status⟧']();`),
  };
  const measures = { 'first, with all files to read': answer, 'after a change': again };
  console.log('The language service of TypeScript 5.9, processor time: by client.ts, by index.ts, ratio');
  for (const [title, question] of Object.entries(questions)) {
    for (const [moment, measure] of Object.entries(measures)) {
      const runs = { client: [] as number[], index: [] as number[] };
      for (let run = 0; run < OPENINGS; run++) {
        for (const door of ['client', 'index'] as const) runs[door].push(measure(files, question(door)));
      }
      const [byClient, byIndex] = [median(runs.client), median(runs.index)];
      const ratio = byClient / byIndex;
      const judged = title.startsWith('completing') ? verdict(ratio, COMPLETION_TARGET) : '';
      const columns = [byClient, byIndex].map((time) => `${time.toFixed(0).padStart(6)} ms`).join('');
      console.log(`  ${`${title}, ${moment}`.padEnd(52)}${columns}${ratio.toFixed(2).padStart(7)}${judged}`);
    }
  }
  const opened = `import { connect } from 'qapi-ts/runtime';
import type { Schema } from './releases/client.js';
const client = await connect<Schema<'7.2..10.1'>>('/run/qmp.sock');
client.commands['⟦⟧']`;
  const first = median(Array.from({ length: OPENINGS }, () => answer(several, (editor) => editor.completions(opened))));
  const later = median(Array.from({ length: OPENINGS }, () => again(several, (editor) => editor.completions(opened))));
  console.log(
    `  completing a command of three releases: first ${first.toFixed(0)} ms, after a change ${later.toFixed(0)} ms`,
  );
}

/** The types of three releases as one tree. */
async function releaseFiles(): Promise<GeneratedFile[]> {
  const list = [];
  for (const [name, of] of Object.entries({ '7.2': '7.2', '9.0': '9.0-rc', '10.1': '10.1' })) {
    const { schema } = await loadSchema(join(corpus, 'releases', of, 'qapi/qapi-schema.json'), { advice: false });
    if (!schema) throw new Error(`release ${of} is not valid`);
    list.push({ name, schema });
  }
  return generateReleases(list);
}

function filesIn(folder: string, files: readonly GeneratedFile[]): Record<string, string> {
  return Object.fromEntries(files.map(({ path, text }) => [`${folder}/${path}`, text]));
}

if (!existsSync(schemaPath)) {
  console.log(`skipped: there is no ${schemaPath}; set QAPI_CORPUS to the corpus`);
} else {
  const { schema } = await loadSchema(schemaPath);
  if (!schema) throw new Error(`${schemaPath} is not valid`);
  const folder = await mkdtemp(join(tmpdir(), 'qapi-ts-bench-types-'));
  try {
    const files = generate(schema);
    await install(folder);
    await mkdir(join(folder, 'generated'));
    writeFiles(join(folder, 'generated'), files);
    const several = await releaseFiles();
    writeFiles(join(folder, 'releases'), several);
    await compilers(folder);
    editors(filesIn('generated', files), filesIn('releases', several));
  } finally {
    await rm(folder, { recursive: true });
  }
}
