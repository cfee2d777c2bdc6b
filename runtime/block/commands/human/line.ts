import { BlockError } from '../../error.js';

/** How a command of the human monitor is written. */
export interface HumanSyntax {
  /** `drive_add`, or two words, `info block`. */
  readonly name: string;
  /** The letters of its flags. */
  readonly flags: string;
  /** How many words must follow, and how many may. */
  readonly least: number;
  readonly most: number;
}

/** A line of the human monitor, read. */
export interface HumanLine<Syntax extends HumanSyntax> {
  readonly command: Syntax;
  readonly flags: ReadonlySet<string>;
  readonly words: readonly string[];
}

/**
 * Reads a line of the human monitor: a command, its flags, and words that may stand in double quotes.
 *
 * @returns nothing for an empty line
 * @throws BlockError when there is no such command, or it is written in another way
 */
export function readHumanLine<Syntax extends HumanSyntax>(
  line: string,
  commands: readonly Syntax[],
): HumanLine<Syntax> | undefined {
  const words = split(line);
  if (words.length === 0) return undefined;
  const command = commandOf(words, commands);
  words.splice(0, command.name.split(' ').length);
  const refuse = (problem: string): BlockError =>
    new BlockError(`${command.name}: ${problem}\nTry "help ${command.name}" for more information`);
  const flags = new Set<string>();
  while (command.flags !== '' && /^-./.test(words[0] ?? '')) {
    for (const letter of (words.shift() ?? '').slice(1)) {
      if (!command.flags.includes(letter)) throw refuse(`unsupported option -${letter}`);
      flags.add(letter);
    }
  }
  if (words.length < command.least) throw refuse('an argument is missing');
  if (words.length > command.most) throw refuse(`'${words[command.most]}' is one argument too many`);
  return { command, flags, words };
}

function commandOf<Syntax extends HumanSyntax>(words: readonly string[], commands: readonly Syntax[]): Syntax {
  const two = words.slice(0, 2).join(' ');
  const found = commands.find(({ name }) => name === two) ?? commands.find(({ name }) => name === words[0]);
  if (found === undefined) throw new BlockError(`unknown command: '${words[0]}'`);
  return found;
}

function split(line: string): string[] {
  const words: string[] = [];
  for (const [, quoted, plain] of line.matchAll(/"((?:[^"\\]|\\.)*)"?|(\S+)/gs)) {
    words.push(plain ?? (quoted ?? '').replace(/\\(.)/gs, (_, character: string) => escapes[character] ?? character));
  }
  return words;
}

const escapes: { readonly [letter: string]: string } = { n: '\n', r: '\r' };
