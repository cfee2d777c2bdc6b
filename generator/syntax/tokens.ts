import { createToken, type IToken, type TokenType } from 'chevrotain';

/** The kinds of tokens. Where the reference sees one kind, the kinds at the top level are a category of it, so that recovery can find the next expression. */
export const OpenObject: TokenType = createToken({ name: 'OpenObject' });
export const CloseObject: TokenType = createToken({ name: 'CloseObject' });
export const OpenArray: TokenType = createToken({ name: 'OpenArray' });
export const CloseArray: TokenType = createToken({ name: 'CloseArray' });
export const Colon: TokenType = createToken({ name: 'Colon' });
export const Comma: TokenType = createToken({ name: 'Comma' });
export const Text: TokenType = createToken({ name: 'Text' });
/** `true`, `false`, `null`. */
export const Literal: TokenType = createToken({ name: 'Literal' });
/** What is no token at all; reported by the lexer. */
export const Stray: TokenType = createToken({ name: 'Stray' });
/** A comment that starts with `##` inside an expression. */
export const MisplacedDoc: TokenType = createToken({ name: 'MisplacedDoc' });

/** `{` at the top level; inside an expression `{` at the start of a line, followed by a key that starts a definition. */
export const OpenExpression: TokenType = createToken({ name: 'OpenExpression', categories: [OpenObject] });
export const TopArray: TokenType = createToken({ name: 'TopArray', categories: [OpenArray] });
export const TopText: TokenType = createToken({ name: 'TopText', categories: [Text] });
export const TopLiteral: TokenType = createToken({ name: 'TopLiteral', categories: [Literal] });
/** A whole documentation block. */
export const Doc: TokenType = createToken({ name: 'Doc' });

export const vocabulary: readonly TokenType[] = [
  OpenObject,
  CloseObject,
  OpenArray,
  CloseArray,
  Colon,
  Comma,
  Text,
  Literal,
  Stray,
  MisplacedDoc,
  OpenExpression,
  TopArray,
  TopText,
  TopLiteral,
  Doc,
];

/** A token. `image` is what it says: the contents of a string with escapes resolved. */
export class Token implements IToken {
  readonly tokenType: TokenType;
  readonly tokenTypeIdx: number;
  readonly image: string;
  readonly startOffset: number;
  /** The offset after the last character. (Chevrotain's own tokens would name the last character itself.) */
  readonly end: number;
  /** Position in the list of tokens. */
  readonly index: number;

  constructor(tokenType: TokenType, image: string, startOffset: number, end: number, index: number) {
    this.tokenType = tokenType;
    this.tokenTypeIdx = tokenType.tokenTypeIdx as number;
    this.image = image;
    this.startOffset = startOffset;
    this.end = end;
    this.index = index;
  }
}
