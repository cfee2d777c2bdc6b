import type { Int64 } from '../json/value.js';
import { InputVisitor } from './input-visitor.js';
import { int64Of } from './integer-range.js';
import { readBoolean, readInteger, readNumber, readSize, readUnsigned } from './scalar-text.js';
import { VisitError } from './visit-error.js';
import type { Name } from './visitor.js';

/**
 * Reads typed values from key=value trees, whose leaves are all text: converts a leaf to what its schema type wants, and then
 * checks it as the input visitor does. `null` cannot be expressed; an alternate is its text branch, or its object or list
 * branch where there are members; `any` stays text.
 *
 * @throws VisitError for the first member, in the order of the schema, that is wrong
 */
export class KeyvalVisitor extends InputVisitor {
  override bool(value: unknown, name: Name): boolean {
    return super.bool(converted(value, name, readBoolean, "'on' or 'off'"), name);
  }

  override number(value: unknown, name: Name): number {
    return super.number(converted(value, name, readNumber, 'a number'), name);
  }

  override int8(value: unknown, name: Name): number {
    return super.int8(signed(value, name), name);
  }

  override int16(value: unknown, name: Name): number {
    return super.int16(signed(value, name), name);
  }

  override int32(value: unknown, name: Name): number {
    return super.int32(signed(value, name), name);
  }

  override int64(value: unknown, name: Name): Int64 {
    return super.int64(signed(value, name), name);
  }

  override uint8(value: unknown, name: Name): number {
    return super.uint8(this.unsigned(value, name), name);
  }

  override uint16(value: unknown, name: Name): number {
    return super.uint16(this.unsigned(value, name), name);
  }

  override uint32(value: unknown, name: Name): number {
    return super.uint32(this.unsigned(value, name), name);
  }

  override uint64(value: unknown, name: Name): Int64 {
    return super.uint64(this.unsigned(value, name), name);
  }

  override size(value: unknown, name: Name): Int64 {
    const expected = 'a size in bytes, perhaps with a suffix K, M, G, T, P or E';
    return super.size(integerOf(converted(value, name, readSize, expected)), name);
  }

  /** The unsigned integer that a text means: a negative one wraps to 64 bits, unless an heir refuses it. */
  protected unsigned(value: unknown, name: Name): unknown {
    return integerOf(converted(value, name, readUnsigned, 'an unsigned integer'));
  }
}

function signed(value: unknown, name: Name): unknown {
  return integerOf(converted(value, name, readInteger, 'an integer'));
}

/** A text as the value it means; what is no text stays as it is, for the check that follows. */
function converted(value: unknown, name: Name, read: (text: string) => unknown, expected: string): unknown {
  if (typeof value !== 'string') return value;
  const result = read(value);
  if (result === undefined) throw new VisitError({ kind: 'value', name, expected, found: value });
  return result;
}

function integerOf(value: unknown): unknown {
  return typeof value === 'bigint' ? int64Of(value) : value;
}
