import type { SourceFile, Span } from '../text/source-file.js';
import type { DocBlock } from './doc-block.js';

/** A value of the QAPI JSON dialect, with its place. `span` covers the value from its first to its last token. */
export type SyntaxValue = SyntaxString | SyntaxBoolean | SyntaxNull | SyntaxArray | SyntaxObject;

export interface SyntaxString {
  readonly kind: 'string';
  /** The text between the quotes, escapes resolved. */
  readonly value: string;
  readonly span: Span;
}

interface SyntaxBoolean {
  readonly kind: 'boolean';
  readonly value: boolean;
  readonly span: Span;
}

/** The literal `null`, which only 2.4–4.1 (and `auto`) have. */
interface SyntaxNull {
  readonly kind: 'null';
  readonly span: Span;
}

export interface SyntaxArray {
  readonly kind: 'array';
  readonly elements: readonly SyntaxValue[];
  readonly span: Span;
}

export interface SyntaxObject {
  readonly kind: 'object';
  /** In the order of writing. After an error (repeated key) the first pair of a key is the one kept. */
  readonly pairs: ReadonlyMap<string, SyntaxPair>;
  readonly span: Span;
}

export interface SyntaxPair {
  readonly key: SyntaxString;
  readonly value: SyntaxValue;
}

/** A top-level expression of a schema that is neither an include nor a pragma: mostly a definition. */
export interface Expression {
  readonly value: SyntaxObject;
  /** The documentation block directly before it. */
  readonly doc?: DocBlock;
  /**
   * Its text has a syntax error, which has been reported: `value` is what could be read of it. It defines its name, so that
   * references to it are fine, but nothing else is to be said about it.
   */
  readonly broken?: true;
}

/** The pragmas in force when the whole schema has been read (one state for all files). */
export interface Pragmas {
  readonly docRequired: boolean;
  readonly commandReturnsExceptions: ReadonlySet<string>;
  /** Up to 5.2 `name-case-whitelist`: owners whose members may use uppercase. From 6.0 `member-name-exceptions`. */
  readonly memberNameExceptions: ReadonlySet<string>;
  readonly commandNameExceptions: ReadonlySet<string>;
  readonly documentationExceptions: ReadonlySet<string>;
}

/** One file of a schema: a module. */
export interface SyntaxModule {
  /** Path relative to the root schema's folder, `/`-separated: the module's name. */
  readonly name: string;
  readonly file: SourceFile;
  /** Names of the modules that it includes, in order of writing. */
  readonly includes: readonly string[];
  readonly expressions: readonly Expression[];
  /** Every documentation block, free-form ones included, in order. */
  readonly docs: readonly DocBlock[];
}

/** A whole schema as read: includes followed, pragmas applied, documentation attached. */
export interface SyntaxTree {
  /** In the order in which an include naming them is first met, depth first; the root first. */
  readonly modules: readonly SyntaxModule[];
  /** Every expression of every module, in order of definition: includes expanded in place. */
  readonly expressions: readonly Expression[];
  readonly pragmas: Pragmas;
  /** Whether documentation has rules: not before 2.9, nor in a schema of that time that is read without naming its release. */
  readonly documentationChecked: boolean;
}

const kinds = {
  string: 'a string',
  boolean: 'a boolean',
  null: 'null',
  array: 'an array',
  object: 'an object',
} as const;

/** What kind of value something is, in the words of a message. */
export function describeValue({ kind }: SyntaxValue): string {
  return kinds[kind];
}
