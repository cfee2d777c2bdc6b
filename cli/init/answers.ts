import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { findProgram } from '../find-program.js';
import { type Host, isAtTerminal } from '../host.js';
import { mainSchemas } from '../main-schema.js';
import { UserError } from '../user-error.js';

/** What `init` needs to know. */
export interface Answers {
  /** A schema file, the address of a program, or `exec:` and a command line. */
  readonly from: string;
  /** The folder of the generated code. */
  readonly output: string;
  /** The file of the first program. */
  readonly program: string;
}

interface Question {
  readonly text: string;
  /** What is wrong with an answer; undefined when nothing is. */
  complaint(answer: string, host: Host): string | undefined;
}

const questions: Readonly<Record<keyof Answers, Question>> = {
  from: {
    text: "Where is the schema: a file, a program's socket, or exec:'COMMAND'?",
    complaint: (answer, { cwd }) =>
      isProgram(answer, cwd) || existsSync(resolve(cwd, answer)) ? undefined : `there is no file ${answer}`,
  },
  output: {
    text: 'Which folder is for the generated code?',
    complaint: (answer, { cwd }) =>
      statSync(resolve(cwd, answer), { throwIfNoEntry: false })?.isFile() ? `${answer} is a file` : undefined,
  },
  program: {
    text: 'Which file is for a first program?',
    complaint: (answer) => (/\.[cm]?ts$/.test(answer) ? undefined : `${answer} does not end in .ts`),
  },
};

/** Whether a schema is to come from a program, and not from a file. */
export function isProgram(from: string, cwd: string): boolean {
  const found = statSync(resolve(cwd, from), { throwIfNoEntry: false });
  return found ? found.isSocket() : /^(exec:.|unix:.|[^\\/]*:\d+$)/.test(from);
}

/** The answers that need no question: what the folder and the machine suggest. */
function defaults(host: Host): Answers {
  return { from: defaultSource(host), output: 'src/generated', program: 'src/main.ts' };
}

const programs = [
  ['qemu-system-x86_64', ' -machine none'],
  ['qemu-system-aarch64', ' -machine none'],
  ['qemu-storage-daemon', ''],
] as const;

function defaultSource(host: Host): string {
  const schema = mainSchemas.find((file) => existsSync(join(host.cwd, file)));
  if (schema !== undefined) return schema;
  const program = programs.find(([name]) => findProgram(name, host) !== undefined);
  return program ? `exec:${program.join('')}` : 'node_modules/qapi-ts/qapi/qapi-schema.json';
}

/**
 * Takes the answers that the command line gives, and asks for the others at the terminal.
 *
 * @param given what the command line says
 * @param yes whether to take the defaults instead of asking
 * @throws UserError when an answer is wrong, or there is no terminal to ask at
 */
export async function answersFor(given: Partial<Answers>, yes: boolean, host: Host): Promise<Answers> {
  const known = defaults(host);
  const names = Object.keys(questions) as (keyof Answers)[];
  for (const name of names) {
    const complaint = given[name] === undefined ? undefined : questions[name].complaint(given[name], host);
    if (complaint !== undefined) throw new UserError(complaint);
  }
  const open = names.filter((name) => given[name] === undefined);
  if (yes || open.length === 0) return { ...known, ...given };
  if (!isAtTerminal(host)) {
    throw new UserError('there is no terminal to ask three questions at', {
      hint: 'give --yes to take the defaults, or --from, --output and --program',
    });
  }
  const answers: { -readonly [name in keyof Answers]: string } = { ...known, ...given };
  const lines = createInterface({ input: host.stdin, terminal: false });
  try {
    const next = lines[Symbol.asyncIterator]();
    for (const name of open) answers[name] = await ask(questions[name], known[name], next, host);
  } finally {
    lines.close();
  }
  return answers;
}

async function ask(
  { text, complaint }: Question,
  suggested: string,
  lines: AsyncIterator<string>,
  host: Host,
): Promise<string> {
  for (;;) {
    host.stdout.write(`${text} (${suggested}) `);
    const { value, done } = await lines.next();
    if (done) throw new UserError('the input has ended before all questions were answered; nothing has been written');
    const answer = value.trim() || suggested;
    const wrong = value.trim() === '' ? undefined : complaint(answer, host);
    if (wrong === undefined) return answer;
    host.stdout.write(`${wrong}\n`);
  }
}
