import { readIntegers } from './integer-list.js';
import { KeyvalVisitor } from './keyval-visitor.js';
import type { Opts } from './opts-text.js';
import { VisitError, within } from './visit-error.js';
import type { Name, Visit } from './visitor.js';

/**
 * Reads a typed value from QemuOpts: one flat level. Of a key that is repeated, a scalar is the last value and a list is all of
 * them, where lists of integers also take ranges (`1-4`). Nested objects cannot be expressed.
 *
 * A visitor serves one set of options.
 *
 * @throws VisitError for the first member, in the order of the schema, that is wrong
 */
export class OptsVisitor extends KeyvalVisitor {
  readonly #given = new Map<string, string[]>();

  constructor(opts: Opts) {
    super();
    for (const [key, value] of opts.entries) {
      const values = this.#given.get(key);
      if (values) values.push(value);
      else this.#given.set(key, [value]);
    }
    if (opts.id !== undefined) this.#given.set('id', [opts.id]);
  }

  /** The options as the object to visit: of every key the last value. */
  get object(): { [key: string]: string } {
    return Object.fromEntries([...this.#given].map(([key, values]) => [key, values.at(-1) as string]));
  }

  override list<T>(_value: unknown, name: Name, element: Visit<T>): T[] {
    const texts = this.#given.get(String(name)) ?? [];
    const result: T[] = [];
    try {
      for (const text of texts) this.#readElement(result, text, element);
    } catch (error) {
      throw within(error, name);
    }
    return result;
  }

  /** An element as it stands or, where its type is an integer and it is a range, all that it stands for. */
  #readElement<T>(result: T[], text: string, element: Visit<T>): void {
    try {
      result.push(element(this, text, result.length));
    } catch (error) {
      const integers = readIntegers(text);
      if (!integers || integers.length === 1) throw error;
      for (const integer of integers) result.push(element(this, integer, result.length));
    }
  }

  protected override unsigned(value: unknown, name: Name): unknown {
    if (typeof value === 'string' && value.includes('-')) {
      throw new VisitError({ kind: 'value', name, expected: 'an integer without a sign', found: value });
    }
    return super.unsigned(value, name);
  }
}
