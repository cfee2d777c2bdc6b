import { formatDouble } from './double.js';
import { hashOrder } from './member-order.js';
import { IntegralDouble } from './number.js';
import { MAX_DEPTH, noForm } from './stringify.js';
import type { JsonObject, JsonValue } from './value.js';

/** How a writer lays out values. */
interface Layout {
  readonly comma: string;
  readonly colon: string;
  /** Indentation of one level; absent when all stands on one line. */
  readonly indent?: string;
  string(value: string): string;
  number(value: number): string;
  keys(value: JsonObject): readonly string[];
}

const PLAIN = /^[ !#-[\]-~]*$/;

const SHORT: Record<string, string> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

const unit = (code: number): string => `\\u${code.toString(16).toUpperCase().padStart(4, '0')}`;

/** One character that cannot stand for itself in ASCII; what is not a character becomes U+FFFD. */
function escapeCharacter(c: string): string {
  const short = SHORT[c];
  if (short !== undefined) return short;
  if (c.length === 1 && c >= '\ud800' && c <= '\udfff') return '\\uFFFD';
  if (/\p{Noncharacter_Code_Point}/u.test(c)) return '\\uFFFD';
  return [...Array(c.length).keys()].map((index) => unit(c.charCodeAt(index))).join('');
}

const WIRE: Layout = {
  comma: ', ',
  colon: ': ',
  string: (value) => `"${PLAIN.test(value) ? value : value.replace(/[^ !#-[\]-~]/gu, escapeCharacter)}"`,
  number: formatDouble,
  keys: Object.keys,
};

const ON_LINES = { comma: ',', indent: '    ' };

/** How replies look. */
export interface ReplyLayout {
  /** Spreads a reply over lines that end with CR LF, four spaces a level. */
  readonly pretty?: boolean;
  /** Writes members in the order of QEMU's hash table instead of the order they have. */
  readonly hashOrder?: boolean;
}

/**
 * Writes a value as QMP servers do: in ASCII, with a space after `:` and `,`, doubles with 17 digits. Infinities come out as
 * `inf`, which is not JSON, as they do there.
 *
 * @throws TypeError for functions and circular values
 */
export function stringifyReply(value: JsonValue, how: ReplyLayout = {}): string {
  return replyWriter(how)(value);
}

/** Makes a function that writes values as {@link stringifyReply} does, for callers that write many. */
export function replyWriter(how: ReplyLayout): (value: JsonValue) => string {
  const layout = { ...WIRE, ...(how.pretty && ON_LINES), ...(how.hashOrder && BY_HASH) };
  return (value) => write(value, layout, 0);
}

const BY_HASH = { keys: (value: JsonObject) => hashOrder(Object.keys(value)) };

function write(value: JsonValue, layout: Layout, depth: number): string {
  switch (typeof value) {
    case 'string':
      return layout.string(value);
    case 'number':
      return layout.number(value);
    case 'boolean':
    case 'bigint':
      return String(value);
    case 'object':
      if (value === null) return 'null';
      if (depth > MAX_DEPTH) throw new TypeError('a value is nested too deeply, or circular');
      if (Array.isArray(value)) return writeArray(value, layout, depth);
      if (value instanceof IntegralDouble) return layout.number(value.value);
      return writeObject(value, layout, depth);
    default:
      throw noForm(value);
  }
}

function writeArray(value: readonly JsonValue[], layout: Layout, depth: number): string {
  const separator = layout.comma + lineBreak(layout, depth + 1);
  let text = '';
  for (const element of value) text += (text && separator) + write(element, layout, depth + 1);
  return enclose('[', text, ']', layout, depth);
}

function writeObject(value: JsonObject, layout: Layout, depth: number): string {
  const separator = layout.comma + lineBreak(layout, depth + 1);
  let text = '';
  for (const key of layout.keys(value)) {
    const member = value[key];
    if (member === undefined) continue;
    text += (text && separator) + layout.string(key) + layout.colon + write(member, layout, depth + 1);
  }
  return enclose('{', text, '}', layout, depth);
}

const lineBreak = (layout: Layout, depth: number): string =>
  layout.indent === undefined ? '' : `\r\n${layout.indent.repeat(depth)}`;

/** Brackets around elements; on lines of their own in the pretty layout, also when nothing is between them. */
function enclose(open: string, text: string, close: string, layout: Layout, depth: number): string {
  const start = text && lineBreak(layout, depth + 1);
  return open + start + text + lineBreak(layout, depth) + close;
}
