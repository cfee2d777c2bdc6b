import { readValue } from './comma-text.js';
import { OptionError } from './option-error.js';
import { readBoolean, readSize, readUnsigned } from './scalar-text.js';
import { checkId } from './well-formed-id.js';

/** What the value of a key in an option table must be. */
export type OptsType = 'string' | 'bool' | 'number' | 'size';

/** An option's list of known keys. */
export interface OptsTable {
  /** The option, for messages: `drive`. */
  readonly name: string;
  /** The key of a first parameter that is a bare value. */
  readonly impliedKey?: string;
  /** The known keys. Absent: any key is accepted, as a string. */
  readonly keys?: { readonly [key: string]: OptsType };
  /** Whether all occurrences of the option are one set; such an option takes no `id`. */
  readonly mergeLists?: boolean;
}

/** QemuOpts text, read. */
export interface Opts {
  readonly id?: string;
  /** Every key with its text, in order, repeated ones included. */
  readonly entries: readonly (readonly [key: string, value: string])[];
  /** The words that stood without a value, as they were written. Absent: none did. */
  readonly lone?: readonly string[];
  /** Whether `help` or `?` stood in it. Only a closed table has help. */
  readonly help: boolean;
  /** Deprecated spellings that were accepted. */
  readonly warnings: readonly string[];
}

/**
 * Reads the QemuOpts syntax of `-drive` and its kin: `file=a,,b.img,copy-on-read=on,snapshot`.
 * Keys are flat (dots are part of them), `,,` in a value is a comma, a bare key is a flag.
 *
 * @throws OptionError for a key that a closed table does not have, a value of the wrong type and a malformed `id`.
 */
export function parseOpts(text: string, table: OptsTable): Opts {
  const entries: [string, string][] = [];
  const warnings: string[] = [];
  const lone: string[] = [];
  let id: string | undefined;
  let help = false;
  for (const { key, value, flag } of parameters(text, table.impliedKey)) {
    if (flag && table.keys && (key === 'help' || key === '?')) {
      help = true;
    } else if (key === 'id') {
      id ??= takeId(value, table);
    } else {
      if (flag) lone.push(flag);
      if (flag) warnings.push(`'${flag}' without a value is deprecated: write '${key}=${value}'`);
      checkValue(key, value, table);
      entries.push([key, value]);
    }
  }
  return { ...(id !== undefined && { id }), entries, ...(lone.length > 0 && { lone }), help, warnings };
}

interface OptsParameter {
  readonly key: string;
  readonly value: string;
  /** The word as written, when it stood without a value. */
  readonly flag?: string;
}

function* parameters(text: string, impliedKey: string | undefined): Iterable<OptsParameter> {
  let start = 0;
  while (start < text.length) {
    const mark = /[=,]/g;
    mark.lastIndex = start;
    const at = mark.exec(text)?.index ?? text.length;
    const key = text.slice(start, at);
    if (text[at] === '=') {
      const { value, end } = readValue(text, at + 1);
      yield { key, value };
      start = end + 1;
    } else if (start === 0 && impliedKey !== undefined) {
      const { value, end } = readValue(text, 0);
      yield { key: impliedKey, value };
      start = end + 1;
    } else {
      yield key.startsWith('no') ? { key: key.slice(2), value: 'off', flag: key } : { key, value: 'on', flag: key };
      start = at + 1;
    }
  }
}

function takeId(id: string, table: OptsTable): string {
  if (table.mergeLists) throw new OptionError(`-${table.name} takes no 'id': all its occurrences are one`, 'id');
  return checkId(id);
}

const expectations = {
  bool: { text: "'on' or 'off'", read: readBoolean },
  number: { text: 'a number', read: readUnsigned },
  size: { text: 'a size (digits, perhaps with a suffix K, M, G, T, P or E)', read: readSize },
} as const;

function checkValue(key: string, value: string, table: OptsTable): void {
  if (!table.keys) return;
  const type = Object.hasOwn(table.keys, key) ? table.keys[key] : undefined;
  if (type === undefined) {
    throw new OptionError(`Invalid parameter '${key}': -${table.name} has ${Object.keys(table.keys).join(', ')}`, key);
  }
  if (type !== 'string' && expectations[type].read(value) === undefined) {
    throw new OptionError(`Parameter '${key}' expects ${expectations[type].text}, not '${value}'`, key);
  }
}
