import type { RelatedPlace } from '../text/diagnostic.js';
import type { Fault } from './parser.js';
import { type Moment, phase } from './problem.js';
import type { Reading } from './reading.js';
import {
  CloseArray,
  CloseObject,
  Colon,
  Comma,
  Doc,
  MisplacedDoc,
  OpenArray,
  OpenExpression,
  OpenObject,
  Stray,
  Text,
  type Token,
  TopArray,
  TopText,
} from './tokens.js';
import { lastLineEnd } from './white-space.js';

/** How many tokens after a fault must be in order before another one is taken for a mistake of its own. */
const settled = 3;

/** Tells what is wrong with tokens that are not where they must be. Faults that only follow from others are left out. */
export function reportFaults(reading: Reading, tokens: readonly Token[], faults: readonly Fault[]): void {
  const reporter = new FaultReporter(reading, tokens);
  let quietUntil = -1;
  for (const fault of faults) {
    const index = fault.token?.index ?? tokens.length;
    if (index >= quietUntil && !isStrayNear(tokens, index)) reporter.report(fault);
    if (fault.kind === 'mismatch') quietUntil = Math.max(quietUntil, index + settled);
  }
}

function isStrayNear(tokens: readonly Token[], index: number): boolean {
  return tokens[index]?.tokenType === Stray || tokens[index - 1]?.tokenType === Stray;
}

class FaultReporter {
  readonly #reading: Reading;
  readonly #tokens: readonly Token[];
  #openings: readonly (Token | undefined)[] | undefined;

  constructor(reading: Reading, tokens: readonly Token[]) {
    this.#reading = reading;
    this.#tokens = tokens;
  }

  report(fault: Fault): void {
    const { problems } = this.#reading;
    const found = describe(fault.token);
    const [span, when] = placeOf(this.#reading, fault.token);
    switch (fault.kind) {
      case 'missing-comma':
        problems.report('missing-comma', { container: fault.container, found }, span, when);
        break;
      case 'trailing-comma': {
        const item = fault.container === 'object' ? 'pair' : 'element';
        problems.report('trailing-comma', { close: fault.token.image, item }, span, when);
        break;
      }
      case 'extra-comma':
        problems.report('extra-comma', { item: fault.container === 'object' ? 'a pair' : 'an element' }, span, when);
        break;
      case 'repeated-key': {
        const related = [{ message: 'the key is here first', span: fault.first.span }];
        problems.report('repeated-key', { key: fault.key.value }, span, when, { related });
        break;
      }
      case 'mismatch':
        this.#reportMismatch(fault.token, fault.expected);
        break;
    }
  }

  #reportMismatch(token: Token | undefined, expected: string): void {
    const { problems } = this.#reading;
    const found = describe(token);
    const [span, when] = placeOf(this.#reading, token);
    const index = token?.index ?? this.#tokens.length;
    const before = this.#tokens[index - 1];
    if (token?.tokenType === MisplacedDoc) {
      problems.report('comment-in-expression', {}, span, when);
    } else if (expected === Colon.name) {
      problems.report('missing-colon', { key: before?.image ?? '', found }, span, when);
    } else if (
      expected === '' ||
      (expected === CloseArray.name && (isOpenArray(before) || before?.tokenType === Comma))
    ) {
      problems.report('expected-value', { after: describe(before), found }, span, when);
    } else if (expected === CloseObject.name && (isOpenObject(before) || before?.tokenType === Comma)) {
      problems.report('expected-key', { found }, span, when);
    } else {
      this.#reportUnclosed(token, expected === CloseArray.name ? 'array' : 'object', index);
    }
  }

  #reportUnclosed(token: Token | undefined, container: 'object' | 'array', index: number): void {
    const { problems, file } = this.#reading;
    const [span, when] = placeOf(this.#reading, token);
    const close = container === 'object' ? '}' : ']';
    const open = this.#opening(index);
    const related: RelatedPlace[] = open
      ? [{ message: `this ${container} is not closed`, span: { file, start: open.startOffset, end: open.end } }]
      : [];
    problems.report('unclosed', { container, close, found: describe(token) }, span, when, { related });
  }

  /** The innermost bracket that is open before a token. */
  #opening(index: number): Token | undefined {
    this.#openings ??= openings(this.#tokens);
    return this.#openings[index];
  }
}

function isOpenObject(token: Token | undefined): boolean {
  return token?.tokenType === OpenObject || token?.tokenType === OpenExpression;
}

function isOpenArray(token: Token | undefined): boolean {
  return token?.tokenType === OpenArray || token?.tokenType === TopArray;
}

/** For every token, and for the end of the file, the innermost bracket that is open before it. */
function openings(tokens: readonly Token[]): (Token | undefined)[] {
  const open: Token[] = [];
  const result: (Token | undefined)[] = [];
  for (const token of tokens) {
    result.push(open[open.length - 1]);
    if (isOpenArray(token) || isOpenObject(token)) open.push(token);
    else if (token.tokenType === CloseArray || token.tokenType === CloseObject) open.pop();
    // What stands before a documentation block is another expression.
    else if (token.tokenType === Doc) open.length = 0;
  }
  result.push(open[open.length - 1]);
  return result;
}

/** Where a token is, and when it is looked at. Without a token: the end of the file. */
export function placeOf(
  { file }: Reading,
  token: Token | undefined,
): [span: readonly [start: number, end: number], when: Moment] {
  const end = lastLineEnd(file.text);
  const at = token?.startOffset ?? end;
  // Of a documentation block, the first line is what does not fit.
  const until = token?.tokenType === Doc ? at + 2 : (token?.end ?? end);
  return [[at, until], { at, phase: phase.look }];
}

/** A token as a message names it. */
export function describe(token: Token | undefined): string {
  switch (token?.tokenType) {
    case undefined:
      return 'the end of the file';
    case Text:
    case TopText:
      return token && token.image.length <= 40 ? `the string '${token.image}'` : 'a string';
    case OpenExpression:
      return "'{' of another definition";
    case Doc:
    case MisplacedDoc:
      return 'a documentation comment';
    case Stray:
      return 'something else';
    default:
      return `'${token?.image}'`;
  }
}
