import type { SourceFile, Span } from '../text/source-file.js';
import type { DocBlock } from './doc-block.js';

/** A value of the QAPI JSON dialect, with its place. `span` covers the value from its first to its last token. */
export type SyntaxValue = SyntaxString | SyntaxBoolean | SyntaxNull | SyntaxArray | SyntaxObject;

/**
 * What all values have. One without parts is its own span: a large schema has millions of them, and each object more would count.
 * Fields of values are declared without being defined: a class that defines fields calls a function to do so for each object.
 */
abstract class SyntaxNode implements Span {
  declare readonly file: SourceFile;
  declare readonly start: number;
  declare readonly end: number;

  constructor(file: SourceFile, start: number, end: number) {
    this.file = file;
    this.start = start;
    this.end = end;
  }

  get span(): Span {
    return this;
  }
}

/** What has parts does not keep them alive where only its place is kept. */
abstract class CompoundNode extends SyntaxNode {
  override get span(): Span {
    const { file, start, end } = this;
    return { file, start, end };
  }
}

export class SyntaxString extends SyntaxNode {
  declare readonly kind: 'string';
  /** The text between the quotes, escapes resolved. */
  declare readonly value: string;

  constructor(value: string, file: SourceFile, start: number, end: number) {
    super(file, start, end);
    this.kind = 'string';
    this.value = value;
  }
}

export class SyntaxBoolean extends SyntaxNode {
  readonly kind = 'boolean';
  readonly value: boolean;

  constructor(value: boolean, file: SourceFile, start: number, end: number) {
    super(file, start, end);
    this.value = value;
  }
}

/** The literal `null`, which only 2.4–4.1 (and `auto`) have. */
export class SyntaxNull extends SyntaxNode {
  readonly kind = 'null';
}

export class SyntaxArray extends CompoundNode {
  declare readonly kind: 'array';
  declare readonly elements: readonly SyntaxValue[];

  constructor(elements: readonly SyntaxValue[], file: SourceFile, start: number, end: number) {
    super(file, start, end);
    this.kind = 'array';
    this.elements = elements;
  }
}

export class SyntaxObject extends CompoundNode {
  declare readonly kind: 'object';
  /** In the order of writing. After an error (repeated key) the first pair of a key is the one kept. */
  declare readonly pairs: SyntaxPairs;

  constructor(pairs: SyntaxPairs, file: SourceFile, start: number, end: number) {
    super(file, start, end);
    this.kind = 'object';
    this.pairs = pairs;
  }
}

export interface SyntaxPair {
  readonly key: SyntaxString;
  readonly value: SyntaxValue;
}

/** So many pairs are looked through one by one: most objects have fewer, and a table takes more room than they do. */
const few = 8;

/** The pairs of an object, by their keys and in the order of writing. */
export class SyntaxPairs {
  #list: SyntaxPair[] = [];
  #byKey: Map<string, SyntaxPair> | undefined;

  /** Appends a pair whose key is new. */
  add(pair: SyntaxPair): void {
    this.#list.push(pair);
    this.#byKey?.set(pair.key.value, pair);
  }

  /** Gives back the room that was kept for more pairs. */
  complete(): this {
    this.#list = this.#list.slice();
    return this;
  }

  get size(): number {
    return this.#list.length;
  }

  get(key: string): SyntaxPair | undefined {
    const list = this.#list;
    if (list.length > few) {
      this.#byKey ??= new Map(list.map((pair) => [pair.key.value, pair]));
      return this.#byKey.get(key);
    }
    // Without an iterator: this is asked more often than anything else.
    for (let index = 0; index < list.length; index++) {
      const pair = list[index] as SyntaxPair;
      if (pair.key.value === key) return pair;
    }
    return undefined;
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  values(): readonly SyntaxPair[] {
    return this.#list;
  }

  keys(): string[] {
    return this.#list.map(({ key }) => key.value);
  }
}

/** A top-level expression of a schema that is neither an include nor a pragma: mostly a definition. */
export class Expression {
  #value: SyntaxObject;
  /** The documentation block directly before it. */
  readonly doc: DocBlock | undefined;
  /**
   * Its text has a syntax error, which has been reported: `value` is what could be read of it. It defines its name, so that
   * references to it are fine, but nothing else is to be said about it.
   */
  readonly broken: boolean;

  constructor(value: SyntaxObject, doc: DocBlock | undefined, broken: boolean) {
    this.#value = value;
    this.doc = doc;
    this.broken = broken;
  }

  get value(): SyntaxObject {
    return this.#value;
  }

  /** Drops all pairs but one: what has been understood need not be kept as it was written. */
  keepOnly(key: string): void {
    const { file, start, end, pairs } = this.#value;
    const kept = new SyntaxPairs();
    const pair = pairs.get(key);
    if (pair) kept.add(pair);
    this.#value = new SyntaxObject(kept.complete(), file, start, end);
  }
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
