import { EmbeddedActionsParser, EOF, type IRecognitionException, type TokenType } from 'chevrotain';
import type { SourceFile } from '../text/source-file.js';
import {
  CloseArray,
  CloseObject,
  Colon,
  Comma,
  Doc,
  Literal,
  OpenArray,
  OpenExpression,
  OpenObject,
  Stray,
  Text,
  Token,
  TopArray,
  TopLiteral,
  TopText,
  vocabulary,
} from './tokens.js';
import {
  SyntaxArray,
  SyntaxBoolean,
  SyntaxNull,
  SyntaxObject,
  SyntaxPairs,
  SyntaxString,
  type SyntaxValue,
} from './tree.js';

/** What holds pairs or elements. */
type Container = 'object' | 'array';

/** What stands before the current token in an object or array. After a fault, anything may follow. */
type Before = 'nothing' | 'item' | 'comma' | 'fault';

/** A token where it must not be: what the grammar expected there, and what the parser made of it. */
export type Fault =
  /** `expected` is the name of a kind of token; empty where any value would do. */
  | { readonly kind: 'mismatch'; readonly token: Token | undefined; readonly expected: string }
  | {
      readonly kind: 'missing-comma' | 'trailing-comma' | 'extra-comma';
      readonly token: Token;
      readonly container: Container;
    }
  | {
      readonly kind: 'repeated-key';
      readonly token: Token | undefined;
      readonly key: SyntaxString;
      readonly first: SyntaxString;
    };

/** What stands at the top level of a file. `next` is the token after it: undefined at the end of the file. */
type Item =
  | { readonly kind: 'doc'; readonly first: Token; readonly next: Token | undefined }
  | {
      readonly kind: 'expression';
      readonly value: SyntaxObject;
      readonly first: Token;
      readonly next: Token | undefined;
    }
  /** A complete value that is no object. */
  | { readonly kind: 'value'; readonly first: Token; readonly next: Token | undefined }
  /** A token that starts no value. */
  | { readonly kind: 'junk'; readonly first: Token };

/** What the parser makes of a file's tokens. */
export interface Parsed {
  readonly items: readonly Item[];
  /** In the order of their tokens. */
  readonly faults: readonly Fault[];
}

/** The object or array that is being read. */
interface Frame {
  readonly container: Container;
  readonly pairs: SyntaxPairs;
  readonly elements: SyntaxValue[];
  before: Before;
}

/**
 * The grammar. Commas, the most frequent slip of the pen, are not left to the general recovery: any sequence of pairs and
 * commas is read, and what is wrong with it reported. Everything else is recovered from by inserting or leaving out one
 * token, or by going on at the next pair, element or expression.
 *
 * Alternatives are made once instead of every time they are needed, as chevrotain's guide to performance advises.
 */
class SchemaParser extends EmbeddedActionsParser {
  #file: SourceFile | undefined;
  #items: Item[] = [];
  #faults: Fault[] = [];
  #frame: Frame = { container: 'object', pairs: noPairs, elements: noElements, before: 'nothing' };

  constructor() {
    super([...vocabulary], {
      recoveryEnabled: true,
      maxLookahead: 1,
      skipValidations: true,
      errorMessageProvider: {
        // The only thing about an error that chevrotain reports nowhere else.
        buildMismatchTokenMessage: ({ expected }) => expected.name,
        buildNotAllInputParsedMessage: () => '',
        buildNoViableAltMessage: () => '',
        buildEarlyExitMessage: () => '',
      },
    });
    this.performSelfAnalysis();
  }

  parse(file: SourceFile, tokens: Token[]): Parsed {
    this.#file = file;
    this.#items = [];
    this.#faults = [];
    this.input = tokens;
    this.schema();
    const items = this.#items;
    const faults = [...this.#faults, ...this.errors.map(faultOf)];
    // Parsers are few and live long: they keep nothing of a file.
    this.input = [];
    this.#items = [];
    this.#faults = [];
    this.#file = undefined;
    return { items, faults: faults.sort((a, b) => indexOf(a) - indexOf(b)) };
  }

  readonly schema = this.RULE('schema', () => {
    this.SUBRULE(this.items);
    this.ACTION(() => {
      for (let first = this.#next(); first; first = this.#next()) {
        this.#items.push({ kind: 'junk', first });
        while (!startsItem(this.#next())) this.SKIP_TOKEN();
        this.SUBRULE(this.items);
      }
    });
  });

  readonly items = this.RULE('items', () => {
    this.MANY(this.#item);
  });

  readonly #itemAlternatives = [
    { ALT: () => this.#items.push({ kind: 'doc', first: this.CONSUME(Doc) as Token, next: this.#next() }) },
    { ALT: () => this.SUBRULE(this.expression) },
    { ALT: () => this.SUBRULE(this.otherValue) },
  ];

  readonly #item = (): void => {
    this.OR(this.#itemAlternatives);
  };

  /** An object at the top level. The readable part of a broken one is kept. */
  readonly expression = this.RULE('expression', () => {
    const first = this.CONSUME(OpenExpression) as Token;
    const outer = this.#frame;
    const pairs = new SyntaxPairs();
    this.#frame = { container: 'object', pairs, elements: noElements, before: 'nothing' };
    try {
      this.SUBRULE(this.pairs);
      this.CONSUME(CloseObject);
    } finally {
      this.#frame = outer;
      const value = this.#object(pairs, first, this.LA(0) as Token);
      this.#items.push({ kind: 'expression', value, first, next: this.#next() });
    }
  });

  readonly #otherAlternatives = [
    {
      ALT: () => {
        this.CONSUME(TopArray);
        this.#elements();
        this.CONSUME(CloseArray);
      },
    },
    { ALT: () => this.CONSUME(TopText) },
    { ALT: () => this.CONSUME(TopLiteral) },
  ];

  readonly otherValue = this.RULE('otherValue', () => {
    const first = this.LA(1) as Token;
    this.OR(this.#otherAlternatives);
    this.#items.push({ kind: 'value', first, next: this.#next() });
  });

  readonly #valueAlternatives = [
    { ALT: (): SyntaxValue | undefined => this.#text(this.CONSUME(Text) as Token) },
    { ALT: (): SyntaxValue | undefined => this.SUBRULE(this.object) },
    { ALT: (): SyntaxValue | undefined => this.SUBRULE(this.array) },
    { ALT: (): SyntaxValue | undefined => this.#literal(this.CONSUME(Literal) as Token) },
    {
      // What the lexer has rejected stands for an unknown value.
      ALT: (): SyntaxValue | undefined => {
        this.CONSUME(Stray);
        return undefined;
      },
    },
  ];

  readonly object = this.RULE('object', (): SyntaxObject => {
    const open = this.CONSUME(OpenObject) as Token;
    const outer = this.#frame;
    const pairs = new SyntaxPairs();
    this.#frame = { container: 'object', pairs, elements: noElements, before: 'nothing' };
    try {
      this.SUBRULE(this.pairs);
    } finally {
      this.#frame = outer;
    }
    const close = this.CONSUME(CloseObject) as Token;
    return this.#object(pairs, open, close);
  });

  readonly array = this.RULE('array', (): SyntaxArray => {
    const open = this.CONSUME(OpenArray) as Token;
    const elements = this.#elements();
    const close = this.CONSUME(CloseArray) as Token;
    return new SyntaxArray(elements.slice(), this.#file as SourceFile, open.startOffset, endOf(open, close));
  });

  #elements(): SyntaxValue[] {
    const outer = this.#frame;
    const elements: SyntaxValue[] = [];
    this.#frame = { container: 'array', pairs: noPairs, elements, before: 'nothing' };
    try {
      this.SUBRULE(this.elements);
    } finally {
      this.#frame = outer;
    }
    return elements;
  }

  readonly #pairAlternatives = [
    {
      ALT: () => {
        this.#expectComma();
        this.#frame.before = this.SUBRULE(this.pair) ? 'item' : 'fault';
      },
    },
    { ALT: () => this.#comma() },
    {
      ALT: () => {
        this.CONSUME(Stray);
        this.#frame.before = 'fault';
      },
    },
  ];

  readonly #pairOrComma = (): void => {
    this.OR(this.#pairAlternatives);
  };

  readonly pairs = this.RULE('pairs', () => {
    this.MANY(this.#pairOrComma);
    this.#expectNoTrailingComma(CloseObject);
  });

  /** A pair; true unless the parser recovered from a broken one. */
  readonly pair = this.RULE('pair', (): boolean => {
    const key = this.#text(this.CONSUME(Text) as Token);
    this.CONSUME(Colon);
    const { pairs } = this.#frame;
    const first = pairs.get(key.value)?.key;
    if (first) this.#faults.push({ kind: 'repeated-key', token: this.#next(), key, first });
    const value = this.OR(this.#valueAlternatives);
    if (value && !first) pairs.add({ key, value });
    return true;
  });

  readonly #elementAlternatives = [
    ...this.#valueAlternatives.map(({ ALT }) => ({
      ALT: () => {
        this.#expectComma();
        const value = ALT();
        this.#frame.before = value ? 'item' : 'fault';
        if (value) this.#frame.elements.push(value);
      },
    })),
    { ALT: () => this.#comma() },
  ];

  readonly #elementOrComma = {
    // Without a comma, a brace that looks like the start of a definition is one.
    GATE: () => this.#frame.before !== 'item' || this.LA(1).tokenType !== OpenExpression,
    DEF: () => {
      this.OR(this.#elementAlternatives);
    },
  };

  readonly elements = this.RULE('elements', () => {
    this.MANY(this.#elementOrComma);
    this.#expectNoTrailingComma(CloseArray);
  });

  #comma(): void {
    const token = this.CONSUME(Comma) as Token;
    const { before, container } = this.#frame;
    if (before === 'nothing' || before === 'comma') this.#faults.push({ kind: 'extra-comma', token, container });
    this.#frame.before = 'comma';
  }

  #expectComma(): void {
    const { before, container } = this.#frame;
    if (before === 'item') this.#faults.push({ kind: 'missing-comma', token: this.LA(1) as Token, container });
  }

  #expectNoTrailingComma(close: TokenType): void {
    const { before, container } = this.#frame;
    if (before !== 'comma') return;
    const token = this.LA(1) as Token;
    if (token.tokenType === close) this.#faults.push({ kind: 'trailing-comma', token, container });
  }

  #next(): Token | undefined {
    const token = this.LA(1);
    return token instanceof Token ? token : undefined;
  }

  #text({ image, startOffset, end }: Token): SyntaxString {
    return new SyntaxString(image, this.#file as SourceFile, startOffset, end);
  }

  #literal({ image, startOffset, end }: Token): SyntaxValue {
    const file = this.#file as SourceFile;
    if (image === 'null') return new SyntaxNull(file, startOffset, end);
    return new SyntaxBoolean(image === 'true', file, startOffset, end);
  }

  #object(pairs: SyntaxPairs, first: Token, last: Token): SyntaxObject {
    return new SyntaxObject(pairs.complete(), this.#file as SourceFile, first.startOffset, endOf(first, last));
  }

  /**
   * What can follow a token, for the decision whether it is only missing. Chevrotain's own answer walks the whole grammar
   * along the path to the error, which exhausts the stack where the path is long.
   */
  protected getFollowsForInRuleRecovery(type: TokenType): TokenType[] {
    return type === Colon ? valueStarts : type === CloseObject || type === CloseArray ? afterValue : [];
  }

  /** A token that is missing stands where it was expected, and takes no room. */
  protected override getTokenToInsert(type: TokenType): Token {
    const { end, index } = this.LA(0) as Token;
    return Object.assign(new Token(type, '', end, end, index), { isInsertedInRecovery: true });
  }
}

const valueStarts = [Text, OpenObject, OpenArray, Literal, Stray];
const afterValue = [Comma, CloseObject, CloseArray, OpenExpression, Doc, EOF];
const noElements: SyntaxValue[] = [];
const noPairs = new SyntaxPairs();

/** Where a value ends; a token that was inserted for its end takes no room. */
function endOf(first: Token, last: Token): number {
  return Math.max(first.end, last.end);
}

function startsItem(token: Token | undefined): boolean {
  return token === undefined || itemStarts.has(token.tokenType);
}

const itemStarts: ReadonlySet<TokenType> = new Set([Doc, OpenExpression, TopArray, TopText, TopLiteral]);

function faultOf({ token, message }: IRecognitionException): Fault {
  return { kind: 'mismatch', token: token instanceof Token ? token : undefined, expected: message };
}

function indexOf({ token }: Fault): number {
  return token?.index ?? Number.POSITIVE_INFINITY;
}

let parser: SchemaParser | undefined;

/** Parses the tokens of a file. */
export function parseTokens(file: SourceFile, tokens: Token[]): Parsed {
  parser ??= new SchemaParser();
  return parser.parse(file, tokens);
}
