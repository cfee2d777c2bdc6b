import { EmbeddedActionsParser, type IRecognitionException, type TokenType } from 'chevrotain';
import type { SourceFile, Span } from '../text/source-file.js';
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
import type { SyntaxArray, SyntaxObject, SyntaxPair, SyntaxString, SyntaxValue } from './tree.js';

/** What holds pairs or elements. */
export type Container = 'object' | 'array';

/** What stands before the current token in an object or array. After a fault, anything may follow. */
type Before = 'nothing' | 'item' | 'comma' | 'fault';

/** A token where it must not be: what the grammar expected there, and what the parser made of it. */
export type Fault =
  | {
      readonly kind: 'mismatch';
      readonly token: Token | undefined;
      readonly expected: string | undefined;
      readonly rule: string;
    }
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
export type Item =
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

/**
 * The grammar. Commas, the most frequent slip of the pen, are not left to the general recovery: any sequence of pairs and
 * commas is read, and what is wrong with it reported. Everything else is recovered from by inserting or leaving out one
 * token, or by going on at the next pair, element or expression.
 */
class SchemaParser extends EmbeddedActionsParser {
  #file: SourceFile | undefined;
  #items: Item[] = [];
  #faults: Fault[] = [];

  constructor() {
    super([...vocabulary], {
      recoveryEnabled: true,
      maxLookahead: 1,
      skipValidations: true,
      errorMessageProvider: {
        // The only things about an error that chevrotain tells nobody else.
        buildMismatchTokenMessage: ({ expected, ruleName }) => `${ruleName} ${expected.name}`,
        buildNotAllInputParsedMessage: ({ ruleName }) => ruleName,
        buildNoViableAltMessage: ({ ruleName }) => ruleName,
        buildEarlyExitMessage: ({ ruleName }) => ruleName,
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
    const faults = [...this.#faults, ...this.errors.map(faultOf)];
    const result = { items: this.#items, faults: faults.sort((a, b) => indexOf(a) - indexOf(b)) };
    this.input = [];
    this.errors = [];
    return result;
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
    this.MANY(() => {
      this.OR([
        {
          ALT: () => {
            const first = this.CONSUME(Doc) as Token;
            this.ACTION(() => this.#items.push({ kind: 'doc', first, next: this.#next() }));
          },
        },
        { ALT: () => this.SUBRULE(this.expression) },
        { ALT: () => this.SUBRULE(this.otherValue) },
      ]);
    });
  });

  /** An object at the top level. What could be read of a broken one is kept. */
  readonly expression = this.RULE('expression', () => {
    const first = this.CONSUME(OpenExpression) as Token;
    const pairs = new Map<string, SyntaxPair>();
    try {
      this.SUBRULE(this.pairs, { ARGS: [pairs] });
      this.CONSUME(CloseObject);
    } finally {
      this.ACTION(() => {
        const value: SyntaxObject = { kind: 'object', pairs, span: this.#span(first, this.LA(0) as Token) };
        this.#items.push({ kind: 'expression', value, first, next: this.#next() });
      });
    }
  });

  readonly otherValue = this.RULE('otherValue', () => {
    const first = this.LA(1) as Token;
    this.OR([
      {
        ALT: () => {
          this.CONSUME(TopArray);
          this.SUBRULE(this.elements);
          this.CONSUME(CloseArray);
        },
      },
      { ALT: () => this.CONSUME(TopText) },
      { ALT: () => this.CONSUME(TopLiteral) },
    ]);
    this.ACTION(() => this.#items.push({ kind: 'value', first, next: this.#next() }));
  });

  readonly object = this.RULE('object', (): SyntaxObject => {
    const open = this.CONSUME(OpenObject) as Token;
    const pairs = new Map<string, SyntaxPair>();
    this.SUBRULE(this.pairs, { ARGS: [pairs] });
    const close = this.CONSUME(CloseObject) as Token;
    return { kind: 'object', pairs, span: this.#span(open, close) };
  });

  readonly pairs = this.RULE('pairs', (pairs: Map<string, SyntaxPair>) => {
    let before: Before = 'nothing';
    this.MANY(() => {
      this.OR([
        {
          ALT: () => {
            this.#expectComma(before, 'object');
            before = this.SUBRULE(this.pair, { ARGS: [pairs] }) ? 'item' : 'fault';
          },
        },
        {
          ALT: () => {
            before = this.#comma(before, 'object');
          },
        },
        {
          ALT: () => {
            this.CONSUME(Stray);
            before = 'fault';
          },
        },
      ]);
    });
    this.#expectNoTrailingComma(before, CloseObject, 'object');
  });

  /** A pair; true unless the parser recovered from a broken one. */
  readonly pair = this.RULE('pair', (pairs: Map<string, SyntaxPair>): boolean => {
    const key = this.CONSUME(Text) as Token;
    let separated = false;
    this.OPTION(() => {
      this.CONSUME(Stray);
      separated = true;
    });
    this.OPTION1(() => {
      this.CONSUME(Colon);
      separated = true;
    });
    const token = this.#next();
    if (!separated) this.#faults.push({ kind: 'mismatch', token, expected: Colon.name, rule: 'pair' });
    const value = this.SUBRULE(this.value);
    this.ACTION(() => {
      const text = this.#text(key);
      const first = pairs.get(text.value)?.key;
      if (first) this.#faults.push({ kind: 'repeated-key', token, key: text, first });
      else if (value) pairs.set(text.value, { key: text, value });
    });
    return true;
  });

  readonly array = this.RULE('array', (): SyntaxArray => {
    const open = this.CONSUME(OpenArray) as Token;
    const elements = this.SUBRULE(this.elements);
    const close = this.CONSUME(CloseArray) as Token;
    return { kind: 'array', elements, span: this.#span(open, close) };
  });

  readonly elements = this.RULE('elements', (): SyntaxValue[] => {
    const elements: SyntaxValue[] = [];
    let before: Before = 'nothing';
    this.MANY({
      // Without a comma, a brace that looks like the start of a definition is one.
      GATE: () => before !== 'item' || this.LA(1).tokenType !== OpenExpression,
      DEF: () => {
        this.OR([
          {
            ALT: () => {
              this.#expectComma(before, 'array');
              const value = this.SUBRULE(this.value);
              before = value ? 'item' : 'fault';
              if (value) elements.push(value);
            },
          },
          {
            ALT: () => {
              before = this.#comma(before, 'array');
            },
          },
        ]);
      },
    });
    this.#expectNoTrailingComma(before, CloseArray, 'array');
    return elements;
  });

  /** A value; undefined for what the lexer has rejected. */
  readonly value = this.RULE('value', (): SyntaxValue | undefined =>
    this.OR<SyntaxValue | undefined>([
      { ALT: () => this.#text(this.CONSUME(Text) as Token) },
      { ALT: () => this.SUBRULE(this.object) },
      { ALT: () => this.SUBRULE(this.array) },
      { ALT: () => this.#literal(this.CONSUME(Literal) as Token) },
      {
        ALT: () => {
          this.CONSUME(Stray);
          return undefined;
        },
      },
    ]),
  );

  #comma(before: Before, container: Container): Before {
    const token = this.CONSUME(Comma) as Token;
    if (before === 'nothing' || before === 'comma') this.#faults.push({ kind: 'extra-comma', token, container });
    return 'comma';
  }

  #expectComma(before: Before, container: Container): void {
    if (before === 'item') this.#faults.push({ kind: 'missing-comma', token: this.LA(1) as Token, container });
  }

  #expectNoTrailingComma(before: Before, close: TokenType, container: Container): void {
    const token = this.LA(1) as Token;
    if (before === 'comma' && token.tokenType === close)
      this.#faults.push({ kind: 'trailing-comma', token, container });
  }

  #next(): Token | undefined {
    const token = this.LA(1);
    return token instanceof Token ? token : undefined;
  }

  #text(token: Token): SyntaxString {
    return { kind: 'string', value: token.image, span: this.#span(token, token) };
  }

  #literal(token: Token): SyntaxValue {
    const span = this.#span(token, token);
    return token.image === 'null' ? { kind: 'null', span } : { kind: 'boolean', value: token.image === 'true', span };
  }

  #span(first: Token, last: Token): Span {
    return { file: this.#file as SourceFile, start: first.startOffset, end: Math.max(first.end, last.end) };
  }

  /** A token that is missing stands where it was expected, and takes no room. */
  protected override getTokenToInsert(type: TokenType): Token {
    const { end, index } = this.LA(0) as Token;
    return Object.assign(new Token(type, '', end, end, index), { isInsertedInRecovery: true });
  }
}

function startsItem(token: Token | undefined): boolean {
  return token === undefined || itemStarts.has(token.tokenType);
}

const itemStarts: ReadonlySet<TokenType> = new Set([Doc, OpenExpression, TopArray, TopText, TopLiteral]);

function faultOf({ token, message }: IRecognitionException): Fault {
  const [rule = '', expected] = message.split(' ');
  return { kind: 'mismatch', token: token instanceof Token ? token : undefined, expected, rule };
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
