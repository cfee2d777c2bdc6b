import { readSize } from '../../../visit/scalar-text.js';
import { BlockError } from '../../error.js';

/** How a command of `qemu-io` is written. */
export interface IoSyntax {
  readonly name: string;
  /** The letters of its options; those with a value are followed by a colon. */
  readonly options: string;
  readonly least: number;
  readonly most: number;
  /** It changes the image. */
  readonly writes?: true;
  /** How it is written. */
  readonly usage: string;
  /** What it is for. */
  readonly help: string;
}

/** The options and words of a line. */
export interface IoArguments {
  /** Each option with its value; empty for those that have none. */
  readonly options: ReadonlyMap<string, string>;
  readonly words: readonly string[];
}

/** Reads options and words as `getopt` does. @throws BlockError that shows how the command is written */
export function readIoArguments(words: readonly string[], syntax: IoSyntax): IoArguments {
  const options = new Map<string, string>();
  const plain: string[] = [];
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      plain.push(...rest.splice(0));
    } else if (/^-./.test(word)) readLetters(word.slice(1), rest, syntax, options);
    else plain.push(word);
  }
  const { name, least, most } = syntax;
  if (plain.length < least || plain.length > most) {
    const expected =
      least === most
        ? `exactly ${least}`
        : most === Number.POSITIVE_INFINITY
          ? `at least ${least}`
          : `between ${least} and ${most}`;
    throw new BlockError(`bad argument count ${plain.length} to ${name}, expected ${expected} arguments`);
  }
  return { options, words: plain };
}

function readLetters(
  letters: string,
  rest: string[],
  { name, options: known, usage, help }: IoSyntax,
  options: Map<string, string>,
): void {
  for (let at = 0; at < letters.length; at++) {
    const letter = letters[at] ?? '';
    const place = letter === ':' ? -1 : known.indexOf(letter);
    const refuse = (problem: string): BlockError =>
      new BlockError(`${name}: ${problem} -- '${letter}'\n${usage} -- ${help}`);
    if (place < 0) throw refuse('invalid option');
    if (known[place + 1] !== ':') {
      options.set(letter, '');
      continue;
    }
    const value = letters.slice(at + 1) || rest.shift();
    if (value === undefined) throw refuse('option requires an argument');
    options.set(letter, value);
    return;
  }
}

/** A number of bytes with an optional suffix. @throws BlockError when it is none */
export function bytesOf(text: string): number {
  const size = readSize(text);
  if (size === undefined || size > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new BlockError(`Parsing error: non-numeric argument, or extraneous/unrecognized suffix -- ${text}`);
  }
  return Number(size);
}

/** A byte, as decimal, octal or hexadecimal number. @throws BlockError when it is none */
export function patternOf(text: string): number {
  const value = /^0\d+$/.test(text) ? Number.parseInt(text, 8) : Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 255) throw new BlockError(`${text} is not a valid pattern byte`);
  return value;
}
