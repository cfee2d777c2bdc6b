import type { JsonValue } from '../json/value.js';
import { readInteger, readSize } from '../visit/scalar-text.js';
import { type BlockError, invalid } from './error.js';

/** What an option can be: QMP gives typed values, command lines give text. */
export type OptionValue = string | number | bigint | boolean | null;

/** The range of a number. */
export interface Range {
  readonly least?: number;
  readonly most?: number;
}

/**
 * The options of a node: a flat dictionary with dotted keys, `file.filename`, whatever form they came in.
 *
 * Opening a node *takes* the options that it knows, which removes them: what is left in the end is unknown.
 */
export class BlockOptions {
  readonly #entries: Map<string, OptionValue>;

  constructor(entries: Iterable<readonly [string, OptionValue]> = []) {
    this.#entries = new Map(entries);
  }

  /** Flattens an object: members of members and items of lists become dotted keys. Empty objects and lists leave nothing. */
  static flatten(tree: object): BlockOptions {
    const options = new BlockOptions();
    flattenInto(options.#entries, '', tree as JsonValue);
    return options;
  }

  get size(): number {
    return this.#entries.size;
  }

  keys(): IterableIterator<string> {
    return this.#entries.keys();
  }

  entries(): IterableIterator<[string, OptionValue]> {
    return this.#entries.entries();
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  get(key: string): OptionValue | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: OptionValue): void {
    this.#entries.set(key, value);
  }

  /** Sets an option unless it is set. */
  default(key: string, value: OptionValue): void {
    if (!this.#entries.has(key)) this.#entries.set(key, value);
  }

  clone(): BlockOptions {
    return new BlockOptions(this.#entries);
  }

  /** Whether any key begins with `prefix` and a dot. */
  hasUnder(prefix: string): boolean {
    for (const key of this.#entries.keys()) if (key.startsWith(`${prefix}.`)) return true;
    return false;
  }

  /** Removes the options whose keys begin with `prefix` and a dot, and returns them without it. */
  takeUnder(prefix: string): BlockOptions {
    const taken = new BlockOptions();
    for (const [key, value] of this.#entries) {
      if (!key.startsWith(`${prefix}.`)) continue;
      this.#entries.delete(key);
      taken.#entries.set(key.slice(prefix.length + 1), value);
    }
    return taken;
  }

  /**
   * Removes the items of a list: those with keys `prefix.0.…`, `prefix.1.…` and so on, up to the first that is not there.
   * An item that is a plain value comes as an option with an empty key.
   */
  takeList(prefix: string): BlockOptions[] {
    const items: BlockOptions[] = [];
    for (let index = 0; ; index++) {
      const item = this.takeUnder(`${prefix}.${index}`);
      const plain = this.take(`${prefix}.${index}`);
      if (plain !== undefined) item.set('', plain);
      if (item.size === 0) return items;
      items.push(item);
    }
  }

  /** Removes an option and returns its value, whatever it is. */
  take(key: string): OptionValue | undefined {
    const value = this.#entries.get(key);
    this.#entries.delete(key);
    return value;
  }

  /** Takes a text. @throws BlockError when it is none */
  takeString(key: string): string | undefined {
    const value = this.take(key);
    if (value === undefined || typeof value === 'string') return value;
    throw wrong(key, 'a string', value);
  }

  /** Takes a flag: a boolean, or `on` or `off`. @throws BlockError when it is neither */
  takeBoolean(key: string): boolean | undefined {
    const value = this.take(key);
    if (value === undefined || typeof value === 'boolean') return value;
    if (value === 'on') return true;
    if (value === 'off') return false;
    throw wrong(key, "'on' or 'off'", value);
  }

  /** Takes an integer, as a number or as C writes it. @throws BlockError when it is none or out of range */
  takeInteger(key: string, range: Range = {}): number | undefined {
    return inRange(key, this.#integer(key, readInteger, 'an integer'), range);
  }

  /** Takes a size in bytes: an integer, or text with a suffix such as `K`. @throws BlockError when it is none or out of range */
  takeSize(key: string, range: Range = {}): number | undefined {
    return inRange(key, this.#integer(key, readSize, 'a size'), { least: 0, ...range });
  }

  /** Takes one of a few words. @throws BlockError when it is none of them */
  takeEnum<Word extends string>(key: string, words: readonly Word[]): Word | undefined {
    const value = this.take(key);
    if (value === undefined) return undefined;
    const word = words.find((candidate) => candidate === value);
    if (word === undefined) throw wrong(key, `one of ${words.join(', ')}`, value);
    return word;
  }

  #integer(key: string, read: (text: string) => bigint | undefined, what: string): number | undefined {
    const value = this.take(key);
    if (value === undefined) return undefined;
    const integer = typeof value === 'string' ? read(value) : value;
    if (typeof integer === 'bigint') return Number(integer);
    if (typeof integer === 'number' && Number.isInteger(integer)) return integer;
    throw wrong(key, what, value);
  }
}

/** How deep options may be nested: as deep as requests. */
const deepest = 1024;

function flattenInto(entries: Map<string, OptionValue>, key: string, value: JsonValue, depth = 0): void {
  if (typeof value !== 'object' || value === null) {
    entries.set(key, value);
    return;
  }
  if (depth > deepest) throw invalid(`Options are nested more than ${deepest} deep`);
  for (const [member, inner] of Object.entries(value)) {
    if (inner !== undefined) flattenInto(entries, key === '' ? member : `${key}.${member}`, inner, depth + 1);
  }
}

function inRange(key: string, value: number | undefined, { least, most }: Range): number | undefined {
  if (value === undefined) return undefined;
  if (!Number.isSafeInteger(value)) throw invalid(`Option '${key}' is too large`);
  if ((least !== undefined && value < least) || (most !== undefined && value > most)) {
    const range =
      most === undefined
        ? `at least ${least}`
        : least === undefined
          ? `at most ${most}`
          : `between ${least} and ${most}`;
    throw invalid(`Option '${key}' is ${value}, but must be ${range}`);
  }
  return value;
}

function wrong(key: string, wanted: string, value: OptionValue): BlockError {
  return invalid(`Option '${key}' must be ${wanted}, not '${value}'`);
}
