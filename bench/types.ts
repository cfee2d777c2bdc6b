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
const OPENINGS = 5;
/** Changes in each of them. */
const CHANGES = 3;
/** One command through `client.ts`, as a multiple of the runtime alone. */
const COMMAND_TARGET = 1.6;
/** Completing a command's name, as a part of the time that it took at first. */
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

/** Milliseconds of processor time that something takes. */
function timeOf(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** What an editor is asked where `⟦` stands: how long the first answer takes once all files are read, and one after a change. */
interface Question {
  readonly title: string;
  readonly files: Readonly<Record<string, string>>;
  readonly program: string;
  readonly ask: 'completions' | 'hover';
  readonly target?: number;
}

interface Times {
  readonly reading: number;
  readonly first: number;
  readonly later: number;
}

function timesOf({ files, program, ask }: Question): Times {
  const editor = editorFor(files);
  const answer = (text: string): number =>
    timeOf(() => {
      const found = editor[ask](text);
      if (found === undefined || (Array.isArray(found) && found.length < 10)) throw new Error(`no answer: ${text}`);
    });
  return {
    reading: timeOf(() => editor.read(program.slice(0, program.lastIndexOf('\n') + 1))),
    first: answer(program),
    later: median(Array.from({ length: CHANGES }, (_, index) => answer(program + ' '.repeat(index + 1)))),
  };
}

/** A client as it was at first: one method, whose types are inferred from those of all commands, behind the door of everything. */
const atFirst = `import type { Commands } from './generated/index.js';
type IsNothing<A> = [A] extends [undefined] ? true : [keyof A] extends [never] ? true : false;
type Call<A> = IsNothing<A> extends true
  ? [arguments?: undefined, options?: object]
  : Record<never, never> extends A ? [arguments?: A | undefined, options?: object] : [arguments: A, options?: object];
type ArgumentsOf<N extends keyof Commands> = Commands[N] extends { arguments: infer A } ? A : undefined;
type ReturnsOf<N extends keyof Commands> = Commands[N] extends { returns: infer R } ? R : undefined;
declare const client: {
  execute<N extends keyof Commands & string>(command: N, ...rest: Call<ArgumentsOf<N>>): Promise<ReturnsOf<N>>;
};
client.execute('⟦⟧')`;

function editors(files: Readonly<Record<string, string>>, several: Readonly<Record<string, string>>): void {
  const opened = client('client');
  const ofReleases = `import { connect } from 'qapi-ts/runtime';
import type { Schema } from './releases/client.js';
const client = await connect<Schema<'7.2..10.1'>>('/run/qmp.sock');
`;
  const target = COMPLETION_TARGET;
  const ask = 'completions';
  const questions: readonly Question[] = [
    { title: 'completing a command, as it was at first', files, program: atFirst, ask },
    { title: 'completing a command of `commands`', files, program: `${opened}client.commands['⟦⟧']`, ask, target },
    { title: 'completing a command of `execute`', files, program: `${opened}client.execute('⟦⟧')`, ask, target },
    { title: 'hovering a command', files, program: `${opened}client.commands['⟦query-status⟧']();`, ask: 'hover' },
    {
      title: 'completing one of three releases',
      files: several,
      program: `${ofReleases}client.commands['⟦⟧']`,
      ask,
    },
    {
      title: 'hovering one of three releases',
      files: several,
      program: `${ofReleases}client.commands['⟦query-status⟧']();`,
      ask: 'hover',
    },
  ];
  const runs = questions.map((): Times[] => []);
  for (let run = 0; run < OPENINGS; run++)
    for (const [index, question] of questions.entries()) runs[index]?.push(timesOf(question));
  const medians = runs.map((times) => ({
    reading: median(times.map(({ reading }) => reading)),
    first: median(times.map(({ first }) => first)),
    later: median(times.map(({ later }) => later)),
  }));
  const [before] = medians as [Times, ...Times[]];
  console.log(
    'The language service of TypeScript 5.9, processor time: reading all files, the first answer, one after a change',
  );
  for (const [index, { title, target }] of questions.entries()) {
    const { reading, first, later } = medians[index] as Times;
    const ratios = [first / before.first, later / before.later];
    const judged = target === undefined ? '' : verdict(Math.max(...ratios), target);
    const columns = [reading, first, later].map((time) => `${time.toFixed(0).padStart(6)} ms`).join('');
    console.log(
      `  ${title.padEnd(42)}${columns}${ratios.map((ratio) => ratio.toFixed(2).padStart(7)).join('')}${judged}`,
    );
  }
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
