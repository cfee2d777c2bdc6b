import { existsSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { stringLiteral } from '../../generator/emit/identifier.js';
import { commandLineIn } from '../command-line-in.js';
import { wordsOf } from '../shell/started-program.js';
import { UserError } from '../user-error.js';
import { textToChange } from '../write-files.js';
import { type Answers, isProgram } from './answers.js';

/** What `init` does to a file. */
interface InitFile {
  /** Its path as to be named to the user. */
  readonly name: string;
  readonly text: string;
  readonly action: 'written' | 'changed';
}

/** What `init` writes, and what it leaves as it is. */
export interface InitPlan {
  readonly files: readonly InitFile[];
  /** Files that are there already, with the reason why that is well. */
  readonly kept: readonly string[];
  /** The name of the script that generates the code. */
  readonly script: string;
  /** Whether files that end in `.ts` are ES modules there. */
  readonly isModule: boolean;
}

const configurations = ['qapi-ts.config.json', 'qapi-ts.config.ts', 'qapi-ts.config.js'];

/**
 * Plans the files of a new project. What is there already is kept; a `package.json` is only added to.
 *
 * @throws UserError when there is a package.json that cannot be read
 */
export function planInit(answers: Answers, cwd: string): InitPlan {
  const files: InitFile[] = [];
  const kept: string[] = [];
  const config = configurations.find((name) => existsSync(join(cwd, name)));
  if (config === undefined)
    files.push({ name: 'qapi-ts.config.json', text: configText(answers, cwd), action: 'written' });
  else kept.push(config);
  const command = isProgram(answers.from, cwd)
    ? `qapi-ts generate --from ${shellWord(answers.from)}`
    : 'qapi-ts generate';
  const { file, script, isModule } = packageFile(command, cwd);
  if (file) files.push(file);
  else kept.push('package.json');
  if (existsSync(resolve(cwd, answers.program))) kept.push(answers.program);
  else files.push({ name: answers.program, text: programText(answers, cwd), action: 'written' });
  return { files, kept, script, isModule: isModule || answers.program.endsWith('.mts') };
}

function configText({ from, output }: Answers, cwd: string): string {
  return json({ ...(!isProgram(from, cwd) && { schema: slashes(from) }), output: slashes(output) }, 2);
}

/** A word as the shells of npm on all systems read it. */
function shellWord(text: string): string {
  return /^[\w./:-]+$/.test(text) ? text : `"${text.replace(/["\\$`]/g, '\\$&')}"`;
}

function packageFile(
  command: string,
  cwd: string,
): Pick<InitPlan, 'script' | 'isModule'> & { readonly file?: InitFile } {
  const name = 'package.json';
  const path = join(cwd, name);
  if (!existsSync(path)) {
    const text = json({ private: true, type: 'module', scripts: { generate: command } }, 2);
    return { file: { name, text, action: 'written' }, script: 'generate', isModule: true };
  }
  const text = textToChange(path, name);
  const value = objectIn(text);
  const isModule = value.type === 'module';
  const scripts = (value.scripts ?? {}) as Record<string, unknown>;
  const script = ['generate', 'generate:qapi'].find((key) => scripts[key] === undefined || scripts[key] === command);
  if (script === undefined || scripts[script] === command) return { script: script ?? 'generate:qapi', isModule };
  return { file: { name, text: withScript(text, value, script, command), action: 'changed' }, script, isModule };
}

function objectIn(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UserError(`package.json is no JSON: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UserError('package.json is no object');
  const { scripts = {} } = value as { scripts?: unknown };
  if (typeof scripts !== 'object' || scripts === null)
    throw new UserError('package.json has scripts that are no object');
  return value as Record<string, unknown>;
}

/** The text of a package.json with a script more, put into it where that is possible, so that the rest stays as it is. */
function withScript(text: string, value: Record<string, unknown>, script: string, command: string): string {
  const wanted = { ...value, scripts: { ...(value.scripts as object | undefined), [script]: command } };
  const indent = /^([ \t]+)"/m.exec(text)?.[1] ?? '  ';
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const entry = `${JSON.stringify(script)}: ${JSON.stringify(command)}`;
  const inserted = text.replace(/("scripts"\s*:\s*\{)(\s*)(\}?)/, (_, head: string, space: string, end: string) =>
    end === ''
      ? `${head}${newline}${indent}${indent}${entry},${space}`
      : `${head}${newline}${indent}${indent}${entry}${newline}${indent}}`,
  );
  // An object of that name can stand elsewhere, or there is none.
  return isSame(inserted, wanted)
    ? inserted
    : `${JSON.stringify(wanted, undefined, indent)}\n`.replaceAll('\n', newline);
}

function isSame(text: string, wanted: { readonly scripts: object }): boolean {
  try {
    const sorted = ({ scripts, ...rest }: typeof wanted): string =>
      JSON.stringify([rest, Object.entries(scripts).sort(([a], [b]) => (a < b ? -1 : 1))]);
    return sorted(JSON.parse(text)) === sorted(wanted);
  } catch {
    return false;
  }
}

/** A program that starts what the schema came from, or connects to it, and shows its version. */
function programText({ from, output, program }: Answers, cwd: string): string {
  const path = slashes(relative(dirname(resolve(cwd, program)), resolve(cwd, output)));
  const generated = `${path.startsWith('.') ? path : `./${path}`}/client.js`;
  const schema = `import type { Commands, Events } from ${stringLiteral(generated)};

interface Schema {
  commands: Commands;
  events: Events;
}
`;
  const show = `  // An editor lists the commands of the schema behind \`client.commands.\`, with their documentation.
  console.log('connected to QEMU', client.greeting.version.qemu);
`;
  const [name = '', ...args] = wordsOf(commandLineIn(from) ?? '');
  if (name !== '') {
    const start = basename(name).includes('storage-daemon') ? 'spawnStorageDaemon' : 'spawnQemu';
    const list = [...args, ...(start === 'spawnQemu' && !args.includes('-display') ? ['-display', 'none'] : [])];
    const options = `{ program: ${stringLiteral(name)}, args: [${list.map(stringLiteral).join(', ')}] }`;
    return `import { ${start} } from 'qapi-ts/runtime';
${schema}
const { client, close } = await ${start}<Schema>(${options});
try {
${show}} finally {
  await close();
}
`;
  }
  const address = isProgram(from, cwd) ? from : '/run/qmp.sock';
  return `import { connect } from 'qapi-ts/runtime';
${schema}
const client = await connect<Schema>(process.argv[2] ?? ${stringLiteral(address)});
try {
${show}} finally {
  await client.close();
}
`;
}

function slashes(path: string): string {
  return path.replaceAll('\\', '/');
}

function json(value: object, indent: number): string {
  return `${JSON.stringify(value, undefined, indent)}\n`;
}
