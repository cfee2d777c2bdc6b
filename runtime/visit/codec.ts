import type { Codec, DecodeOptions, Difference, EncodeOptions } from '../json/codec.js';
import type { JsonValue } from '../json/value.js';
import { CloneVisitor } from './clone-visitor.js';
import { Examiner } from './examiner.js';
import { InputVisitor } from './input-visitor.js';
import { OutputVisitor } from './output-visitor.js';
import { VisitError } from './visit-error.js';
import type { Visit } from './visitor.js';

const input = /* @__PURE__ */ new InputVisitor();
const output = /* @__PURE__ */ new OutputVisitor();
const copying = /* @__PURE__ */ new CloneVisitor();

/**
 * Checks a JSON value and gives it its type.
 *
 * The value is taken over: where its TypeScript form differs, it is changed in place.
 *
 * @example
 * const info = decode(visitImageInfo, JSON.parse(text));
 * @throws VisitError that names the member at fault by its full path
 */
export function decode<T>(visit: Visit<T>, value: unknown, options?: DecodeOptions): T {
  try {
    return visit(options === undefined ? input : new InputVisitor(options), value);
  } catch (error) {
    throw complete(error, options?.root, decode);
  }
}

/**
 * Checks a typed value and makes a copy of it for the wire, without members that are `undefined`.
 *
 * @throws VisitError that names the member at fault by its full path
 */
export function encode<T>(visit: Visit<T>, value: T, options?: EncodeOptions): JsonValue {
  try {
    return visit(options === undefined ? output : new OutputVisitor(options), value) as JsonValue;
  } catch (error) {
    throw complete(error, options?.root, encode);
  }
}

/** Copies a typed value in depth. */
export function clone<T>(visit: Visit<T>, value: T): T {
  return visit(copying, value);
}

/** Lists every difference between a value of the wire and the schema. The value stays as it is. */
export function examine<T>(visit: Visit<T>, value: unknown): readonly Difference[] {
  const examiner = new Examiner();
  try {
    visit(examiner, value);
    return examiner.differences;
  } catch (error) {
    const complaint = complete(error, undefined, examine);
    if (complaint instanceof VisitError) return [...examiner.differences, complaint];
    throw error;
  }
}

/** The codec of a type: its way from the wire and back. */
export function codec<T>(visit: Visit<T>): Codec<T> {
  return {
    decode: (value, options) => decode(visit, value, options),
    encode: (value, options) => encode(visit, value, options),
    examine: (value) => examine(visit, value),
  };
}

/** The error as the caller is to see it: its path and stack start at the call. */
function complete(error: unknown, root: string | undefined, caller: (...args: never[]) => unknown): unknown {
  const complaint =
    error instanceof RangeError
      ? new VisitError({ kind: 'value', name: undefined, expected: 'a value that is not nested so deep', found: {} })
      : error;
  if (complaint instanceof VisitError) {
    complaint.within(root);
    // The text at the top of a stack is taken when it is captured, which was before the path was complete.
    Error.captureStackTrace(complaint, caller);
  }
  return complaint;
}
