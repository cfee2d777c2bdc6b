import { readIntegers } from './integer-list.js';
import { KeyvalVisitor } from './keyval-visitor.js';
import { VisitError, within } from './visit-error.js';
import type { JsonKind, Name, Visit } from './visitor.js';

/**
 * Reads one typed value from one text: a scalar, `null` from empty text, or a list of integers and ranges (`1-4,7`).
 * Objects and alternates cannot be expressed.
 *
 * @throws VisitError for text that is not what the schema type wants
 */
export class StringVisitor extends KeyvalVisitor {
  override null(value: unknown, name: Name): null {
    return super.null(value === '' ? null : value, name);
  }

  override list<T>(value: unknown, name: Name, element: Visit<T>): T[] {
    if (typeof value !== 'string') return super.list(value, name, element);
    const integers = value === '' ? [] : value.split(',').flatMap((part) => readIntegers(part) ?? [undefined]);
    if (integers.includes(undefined)) {
      throw new VisitError({
        kind: 'value',
        name,
        expected: 'integers and ranges of them, such as 1-4,7',
        found: value,
      });
    }
    try {
      return integers.map((integer, index) => element(this, integer, index));
    } catch (error) {
      throw within(error, name);
    }
  }

  override alternate(value: unknown, name: Name, type: string): JsonKind {
    throw new VisitError({ kind: 'type', name, expected: `a value that is no alternate (${type})`, found: value });
  }
}
