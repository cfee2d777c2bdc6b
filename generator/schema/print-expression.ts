/** A value of the QAPI JSON dialect, to be printed. Members go into a map: a plain object would sort names like '1' to the front. */
export type Printable =
  | string
  | boolean
  | readonly Printable[]
  | { readonly [key: string]: Printable }
  | ReadonlyMap<string, Printable>;

const lineWidth = 80;

/** Prints a top-level expression: on one line what fits there, else one pair or element a line. */
export function printExpression(value: Printable): string {
  return printValue(value, 0);
}

function printValue(value: Printable, indent: number): string {
  const flat = print(value, printFlat, ', ');
  if (indent + flat.length <= lineWidth) return flat;
  const inner = indent + 2;
  return print(value, (item) => printValue(item, inner), `,\n${' '.repeat(inner)}`);
}

function printFlat(value: Printable): string {
  return print(value, printFlat, ', ');
}

function print(value: Printable, printItem: (item: Printable) => string, separator: string): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'boolean') return String(value);
  if (isList(value)) return value.length === 0 ? '[]' : `[ ${value.map(printItem).join(separator)} ]`;
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  const pairs = entries.map(([key, item]) => `${quote(key)}: ${printItem(item)}`);
  return pairs.length === 0 ? '{}' : `{ ${pairs.join(separator)} }`;
}

function isList(value: Printable): value is readonly Printable[] {
  return Array.isArray(value);
}

function quote(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
