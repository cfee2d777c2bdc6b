import { Lexer } from './lexer.js';
import type { FileItem, ParsedFile } from './parsed-file.js';
import { type Parsed, parseTokens } from './parser.js';
import { compareMoments, isMalformed, type Moment, type Problem, phase } from './problem.js';
import type { Reading } from './reading.js';
import { describe, placeOf, reportFaults } from './syntax-problems.js';
import { Stray, type Token } from './tokens.js';

/** So many tokens are kept at a time. */
const enough = 4096;

/**
 * Reads a file with whatever is wrong in it: tokens, expressions, documentation blocks. It goes from one stretch of sound expressions to the next, as the tokens of a
 * whole file may take more room than all that is made of them. The first fault makes the rest of the file one stretch: what is right
 * about the recovery from it may stand anywhere behind it.
 */
export function parseFile(reading: Reading): ParsedFile {
  const { problems } = reading;
  const lexer = new Lexer(reading);
  const items: ItemInTheMaking[] = [];
  let plain = true;
  do {
    const before = problems.found.length;
    lexer.drop();
    lexer.read(enough);
    const last = items.at(-1);
    if (last && lexer.tokens[0]) last.finished = { ...last.finished, at: lexer.tokens[0].startOffset };
    let parsed = parseTokens(reading.file, lexer.tokens);
    let malformed = problems.found.slice(before).filter(isMalformed);
    if (!lexer.done && !(isSound(parsed) && malformed.length === 0)) {
      lexer.read(Number.POSITIVE_INFINITY);
      malformed = problems.found.slice(before).filter(isMalformed);
      parsed = parseTokens(reading.file, lexer.tokens);
    }
    plain &&= isSound(parsed) && malformed.length === 0;
    for (const item of fileItems(reading, lexer, parsed, malformed)) items.push(item);
  } while (!lexer.done);
  return {
    items,
    problems: problems.found.sort(compareMoments),
    finished: after(reading, undefined),
    plain: plain && lexer.plain,
  };
}

type ItemInTheMaking = FileItem & { finished: Moment };

/** Whether a stretch of tokens is nothing but expressions and documentation, without any fault. */
function isSound({ items, faults }: Parsed): boolean {
  return faults.length === 0 && items.every(({ kind }) => kind === 'doc' || kind === 'expression');
}

function* fileItems(
  reading: Reading,
  { tokens, docs }: Lexer,
  { items, faults }: Parsed,
  malformed: readonly Problem[],
): Generator<ItemInTheMaking> {
  const { dialect } = reading;
  const isBroken = breakage(malformed.map(({ at }) => at));
  const isMisread = breakage(faults.map(({ token }) => token?.index ?? Number.POSITIVE_INFINITY));
  reportFaults(reading, tokens, faults);
  // Tokens that do not belong to the top level are reported once, and not at all after a broken expression.
  let quiet = false;
  for (const item of items) {
    if (item.kind === 'doc') {
      yield {
        kind: 'documentation',
        blocks: docs.get(item.first.index) ?? [],
        finished: after(reading, item.next),
      };
      quiet = false;
    } else if (item.kind === 'expression') {
      const { value, first, next } = item;
      const misread = isMisread(first.index + 1, next?.index ?? Number.POSITIVE_INFINITY);
      const broken = isBroken(value.span.start, value.span.end - 1) || misread;
      const whole = after(reading, item.next);
      // The reference never gets to the end of a broken expression: what is wrong with it comes before what it means.
      const finished: Moment = broken ? { ...whole, phase: phase.look } : whole;
      yield { kind: 'expression', value, broken, finished };
      quiet = broken;
    } else {
      // Where the reference reads a value to its end before it says that it does not belong there, a problem in it comes first.
      const { first } = item;
      const asWhole = item.kind === 'value' && dialect.has('values of any kind are read at the top level');
      const seen = asWhole ? item.next : first;
      const misread = asWhole && isMisread(first.index + 1, seen?.index ?? Number.POSITIVE_INFINITY);
      if (!quiet && !misread && first.tokenType !== Stray) reportJunk(reading, first, seen, asWhole);
      quiet = true;
    }
  }
}

/** When the reference has read the token after something, and deals with what comes before it. */
function after(reading: Reading, next: Token | undefined): Moment {
  return { at: placeOf(reading, next)[1].at, phase: phase.finish };
}

/** Tells of one stretch after the other, in order, whether it holds one of some places, which are in order too. */
function breakage(places: readonly number[]): (first: number, last: number) => boolean {
  let index = 0;
  return (first, last) => {
    while (index < places.length && (places[index] as number) < first) index++;
    return index < places.length && (places[index] as number) <= last;
  };
}

/** Reports what is no definition. It is seen when the token `seen` has been read. */
function reportJunk(reading: Reading, first: Token, seen: Token | undefined, asWhole: boolean): void {
  const [span, looked] = placeOf(reading, first);
  const when = seen === first ? looked : after(reading, seen);
  const details = asWhole ? ({ columns: 'character' } as const) : {};
  reading.problems.report('expected-expression', { found: describe(first) }, span, when, details);
}
