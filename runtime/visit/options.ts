import { REQUEST_LIMITS } from '../json/limits.js';
import { RequestReader } from '../json/request-reader.js';
import { decode, encode } from './codec.js';
import { formatIntegers } from './integer-list.js';
import { formatKeyval, type KeyvalObject, type KeyvalOptions, type KeyvalValue, parseKeyval } from './keyval-text.js';
import { KeyvalVisitor } from './keyval-visitor.js';
import { OptionError } from './option-error.js';
import type { Opts } from './opts-text.js';
import { OptsVisitor } from './opts-visitor.js';
import { StringVisitor } from './string-visitor.js';
import { VisitError } from './visit-error.js';
import type { Visit } from './visitor.js';

/**
 * Reads the value of an option such as `-blockdev`: key=value text, or JSON when it begins with `{`.
 *
 * @example
 * readOption(visitBlockdevOptions, 'qcow2,file.driver=file,file.filename=a.img', { impliedKey: 'driver' });
 * @throws OptionError that names the key at fault
 */
export function readOption<T>(visit: Visit<T>, text: string, options: KeyvalOptions = {}): T {
  if (text.startsWith('{')) return naming(() => decode(visit, parseOneObject(text)));
  return readKeyval(visit, parseKeyval(text, options).tree);
}

/**
 * Reads a typed value from a tree of key=value text, perhaps merged from several options.
 *
 * @throws OptionError that names the key at fault
 */
export function readKeyval<T>(visit: Visit<T>, tree: KeyvalObject): T {
  return naming(() => visit(new KeyvalVisitor(), structuredClone(tree)));
}

/**
 * Reads a typed value from flat options such as those of `-drive`.
 *
 * @throws OptionError that names the key at fault
 */
export function readOpts<T>(visit: Visit<T>, opts: Opts): T {
  const visitor = new OptsVisitor(opts);
  return naming(() => visit(visitor, visitor.object));
}

/**
 * Reads a scalar, or a list of integers, from one text.
 *
 * @throws OptionError that says what was expected
 */
export function readString<T>(visit: Visit<T>, text: string): T {
  return naming(() => visit(new StringVisitor(), text));
}

/**
 * Writes a typed object as key=value text that {@link readOption} reads back.
 *
 * @throws OptionError for what key=value text cannot express: `null`, empty lists and empty nested objects
 */
export function writeOption<T>(visit: Visit<T>, value: T): string {
  return formatKeyval(encode(visit, value) as { [key: string]: KeyvalValue });
}

/**
 * Writes a scalar, or a list of integers, for people: successive integers as ranges. {@link readString} reads it back.
 *
 * @throws OptionError for a value that has no such form
 */
export function writeString<T>(visit: Visit<T>, value: T): string {
  const plain = encode(visit, value);
  if (Array.isArray(plain) && plain.every((item) => typeof item === 'bigint' || Number.isInteger(item))) {
    return formatIntegers(plain as (number | bigint)[]);
  }
  if (plain === null) return '';
  if (typeof plain === 'object') throw new OptionError('Only scalars and lists of integers can be written as one text');
  if (typeof plain === 'boolean') return plain ? 'on' : 'off';
  return String(plain);
}

/** Runs a visit and words its error by the key as it stands in an option: `children.0.driver`. */
function naming<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof VisitError)) throw error;
    const key = error.path.join('.');
    throw new OptionError(key === '' ? error.problem : `'${key}': ${error.problem}`, key === '' ? undefined : key);
  }
}

function parseOneObject(text: string): unknown {
  const reader = new RequestReader(REQUEST_LIMITS);
  reader.push(Buffer.from(text));
  const first = reader.next();
  if (first === undefined) throw new OptionError('The JSON text is not complete: a bracket is missing at its end');
  if (first.error) throw new OptionError(`The option begins with '{' but is not JSON: ${first.error.message}`);
  if (reader.next() !== undefined || !reader.idle) throw new OptionError('More text follows the JSON object');
  return first.value;
}
