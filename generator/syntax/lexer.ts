import type { TokenType } from 'chevrotain';
import { readDocComment } from './doc/comment.js';
import { readLenientDocs } from './doc/lenient.js';
import type { DocBlock } from './doc-block.js';
import { Problems, phase } from './problem.js';
import type { Reading } from './reading.js';
import { readStray } from './stray.js';
import { endOfSimpleText, readText } from './text-token.js';
import {
  CloseArray,
  CloseObject,
  Colon,
  Comma,
  Doc,
  Literal,
  MisplacedDoc,
  OpenArray,
  OpenExpression,
  OpenObject,
  Stray,
  Text,
  Token,
  TopArray,
  TopLiteral,
  TopText,
} from './tokens.js';
import { isWhiteSpace, lineEnd } from './white-space.js';
import { sharedWord } from './word.js';

/** Deeper nesting is an error; the reference itself gives up at about five hundred levels. */
const depthLimit = 300;

/** A key that starts a definition, an include or a pragma, after its brace. */
const definitionStart = /\{\s*'(?:enum|struct|union|alternate|command|event|include|pragma)'\s*:/y;

/** Divides a file into tokens; what is none is reported and becomes a token of the kind `Stray`. */
export class Lexer {
  /** What has been read and not been dropped. */
  tokens: Token[] = [];
  /** The documentation blocks that a token of the kind `Doc` stands for, by the token's index. */
  readonly docs = new Map<number, readonly DocBlock[]>();
  /** Whether all that has been read inside expressions is the same in every release that decodes text. */
  plain = true;
  readonly #reading: Reading;
  /** Reads without reporting anything. */
  readonly #silent: Reading;
  readonly #text: string;
  readonly #decoded: boolean;
  readonly #checksDocs: boolean;
  readonly #null: boolean;
  #position = 0;
  #depth = 0;
  /** Up to here, quotes open where they should close: what is wrong follows from one that is missing. */
  #outOfStep = 0;
  /** A misplaced documentation comment has been reported in this expression. */
  #misplaced = false;

  constructor(reading: Reading) {
    const { file, dialect } = reading;
    this.#reading = reading;
    this.#silent = { file, dialect, problems: new Problems(file) };
    this.#text = file.text;
    this.#decoded = dialect.has('decoded text');
    this.#checksDocs = dialect.has('documentation comments checked');
    this.#null = dialect.has('null literal');
  }

  /** Whether the end of the file has been reached. */
  get done(): boolean {
    return this.#position >= this.#text.length;
  }

  /** Reads on: to the end of the file or, when there are so many tokens, to what may be the start of an expression. */
  read(enough: number): void {
    const text = this.#text;
    while (this.#position < text.length) {
      if (this.#depth === 0 && this.tokens.length >= enough) return;
      const code = text.charCodeAt(this.#position);
      switch (code) {
        case 0x20:
        case 0x0a:
          this.#position++;
          break;
        case 0x23:
          this.#comment();
          break;
        case 0x27:
          this.#string();
          break;
        case 0x2c:
          this.#punctuation(Comma, ',');
          break;
        case 0x3a:
          this.#punctuation(Colon, ':');
          break;
        case 0x7b:
          this.#open(this.#startsExpression() ? OpenExpression : OpenObject, '{');
          break;
        case 0x5b:
          this.#open(this.#depth === 0 ? TopArray : OpenArray, '[');
          break;
        case 0x7d:
          this.#close(CloseObject, '}');
          break;
        case 0x5d:
          this.#close(CloseArray, ']');
          break;
        default:
          if (isWhiteSpace(code, this.#decoded)) this.#position++;
          else this.#word();
      }
    }
  }

  /** Drops the tokens that have been read: where they have been parsed, they only take room. */
  drop(): void {
    this.tokens = [];
    this.docs.clear();
  }

  #push(type: TokenType, image: string, end: number): void {
    this.tokens.push(new Token(type, image, this.#position, end, this.tokens.length));
    this.#position = end;
  }

  #punctuation(type: TokenType, image: string): void {
    this.#push(type, image, this.#position + 1);
  }

  #open(type: TokenType, image: string): void {
    if (this.#depth >= depthLimit) {
      this.#skipDeep();
      return;
    }
    if (this.#depth++ === 0) this.#misplaced = false;
    this.#punctuation(type, image);
  }

  #close(type: TokenType, image: string): void {
    if (this.#depth > 0) this.#depth--;
    this.#punctuation(type, image);
  }

  /** Whether the brace here starts an expression: surely at the top level, probably at the start of a line with a definition's key. */
  #startsExpression(): boolean {
    if (this.#depth === 0) return true;
    if (!this.#atLineStart()) return false;
    definitionStart.lastIndex = this.#position;
    return definitionStart.test(this.#text);
  }

  #atLineStart(): boolean {
    return this.#position === 0 || this.#text.charCodeAt(this.#position - 1) === 0x0a;
  }

  #string(): void {
    const start = this.#position;
    const type = this.#depth === 0 ? TopText : Text;
    const simpleEnd = endOfSimpleText(this.#text, start);
    if (simpleEnd !== undefined) {
      this.#push(type, sharedWord(this.#text.slice(start + 1, simpleEnd - 1)), simpleEnd);
      return;
    }
    this.plain = false;
    const { value, end } = readText(start < this.#outOfStep ? this.#silent : this.#reading, start);
    this.#push(type, sharedWord(value), end);
  }

  /** `true`, `false` and `null` are recognised by their letters alone, whatever follows. */
  #word(): void {
    const text = this.#text;
    for (const word of keywords) {
      if (text.startsWith(word, this.#position) && (word !== 'null' || this.#null)) {
        if (word === 'null') this.plain = false;
        this.#push(this.#depth === 0 ? TopLiteral : Literal, word, this.#position + word.length);
        return;
      }
    }
    if (this.#position < this.#outOfStep) {
      this.#push(Stray, '', readStray(this.#silent, this.#position, this.#depth === 0));
      return;
    }
    // Directly behind a string, letters are mostly the inside of the next one: quotes are out of step up to the end of the line.
    if (text[this.#position - 1] === "'") this.#outOfStep = this.#reading.file.lineEndAt(this.#position);
    this.#push(Stray, '', readStray(this.#reading, this.#position, this.#depth === 0));
  }

  #comment(): void {
    const text = this.#text;
    const documentation = text.charCodeAt(this.#position + 1) === 0x23;
    if (!this.#checksDocs && this.#depth === 0) {
      const { blocks, end } = readLenientDocs(this.#reading, this.#position);
      if (blocks.length > 0) this.#documentation(blocks, end);
      this.#position = end;
    } else if (!this.#checksDocs || !documentation) {
      if (documentation) this.plain = false;
      this.#position = lineEnd(text, this.#position);
    } else if (this.#depth === 0 || this.#atLineStart()) {
      // Inside an expression this is an error. At the start of a line it mostly means that the expression was not closed.
      this.#depth = 0;
      const { blocks, end } = readDocComment(this.#reading, this.#position);
      this.#documentation(blocks, end);
    } else if (this.#misplaced) {
      this.#position = lineEnd(text, this.#position);
    } else {
      this.#misplaced = true;
      this.#push(MisplacedDoc, '', lineEnd(text, this.#position));
    }
  }

  #documentation(blocks: DocBlock[], end: number): void {
    this.docs.set(this.tokens.length, blocks);
    this.#push(Doc, '', end);
  }

  /** Leaves out what is nested too deeply, up to where its brackets are closed. */
  #skipDeep(): void {
    const text = this.#text;
    const start = this.#position;
    this.#reading.problems.report('nested-too-deeply', { limit: depthLimit }, [start, start + 1], {
      at: start,
      phase: phase.read,
    });
    let depth = 0;
    let offset = start;
    for (; offset < text.length; offset++) {
      const character = text[offset];
      if (character === '{' || character === '[') depth++;
      else if (character === '#') offset = lineEnd(text, offset);
      else if (character === "'") offset = closingQuote(text, offset);
      else if ((character === '}' || character === ']') && --depth === 0) break;
    }
    this.#push(Stray, '', Math.min(offset + 1, text.length));
  }
}

const keywords = ['true', 'false', 'null'];

const quoted = /'[^'\n]*'?/y;

/** The offset of the quote that ends the string at `start`, or of the last character of its line. */
function closingQuote(text: string, start: number): number {
  quoted.lastIndex = start;
  quoted.test(text);
  return quoted.lastIndex - 1;
}
