import { chosenType, membersOf } from '../schema/examples/values.js';
import type { Type } from '../schema/model.js';
import { memberName, stringLiteral } from './identifier.js';
import type { Int64Mode } from './options.js';
import { isWide } from './type-text.js';

/** How literals are written. */
export interface LiteralOptions {
  readonly int64: Int64Mode;
  /** How many characters a line may have. */
  readonly width: number;
}

/** A list of literals in brackets, or a literal without parts. */
type Node = string | { readonly open: string; readonly items: readonly Item[]; readonly close: string };

/** A part of a literal, with the name before it. */
interface Item {
  readonly label: string;
  readonly node: Node;
}

/**
 * A value of JSON as a literal of the TypeScript type that a schema type becomes, over several lines where one is too narrow.
 *
 * @param type undefined for values that the schema does not describe
 * @param before what is written before and after it in its lines
 * @returns undefined when the value holds an integer that JSON text had to round
 */
export function literalLines(
  value: unknown,
  type: Type | undefined,
  options: LiteralOptions,
  [before, after]: readonly [before: string, after: string] = ['', ''],
): string[] | undefined {
  const node = nodeOf(value, type, options.int64);
  return node === undefined ? undefined : linesOf({ label: before, node }, after, options.width);
}

function nodeOf(value: unknown, type: Type | undefined, int64: Int64Mode): Node | undefined {
  if (typeof value === 'number') return numberText(value, type, int64);
  if (typeof value === 'string') return stringLiteral(value);
  if (typeof value !== 'object' || value === null) return String(value);
  const actual = type?.kind === 'alternate' ? chosenType(type, value) : type;
  if (Array.isArray(value)) {
    const element = actual?.kind === 'array' ? actual.element : undefined;
    const items = value.map((item) => itemOf('', item, element, int64));
    return whole('[', items, ']');
  }
  const members = actual?.kind === 'struct' || actual?.kind === 'union' ? membersOf(value, actual) : undefined;
  const items = Object.entries(value).map(([name, member]) =>
    itemOf(`${propertyName(name)}: `, member, members?.get(name)?.type, int64),
  );
  return whole('{', items, '}');
}

function itemOf(label: string, value: unknown, type: Type | undefined, int64: Int64Mode): Item | undefined {
  const node = nodeOf(value, type, int64);
  return node === undefined ? undefined : { label, node };
}

function whole(open: string, items: readonly (Item | undefined)[], close: string): Node | undefined {
  const known = items.filter((item) => item !== undefined);
  return known.length === items.length ? { open, items: known, close } : undefined;
}

function numberText(value: number, type: Type | undefined, int64: Int64Mode): string | undefined {
  const actual = type?.kind === 'alternate' ? chosenType(type, value) : type;
  if (actual?.kind !== 'builtin' || actual.json !== 'int' || !isWide(actual)) return String(value);
  if (!Number.isSafeInteger(value)) return undefined;
  return int64 === 'bigint' ? `${value}n` : String(value);
}

/** As a property that is written plainly, this name would set the prototype. */
function propertyName(name: string): string {
  return name === '__proto__' ? "['__proto__']" : memberName(name);
}

function linesOf({ label, node }: Item, after: string, width: number): string[] {
  const line = `${label}${flat(node)}${after}`;
  if (typeof node === 'string' || node.items.length === 0 || line.length <= width) return [line];
  const content = node.items.flatMap((item) => linesOf(item, ',', width - 2).map((part) => `  ${part}`));
  return [label + node.open, ...content, node.close + after];
}

function flat(node: Node): string {
  if (typeof node === 'string') return node;
  const items = node.items.map((item) => item.label + flat(item.node)).join(', ');
  return node.open === '{' && items !== '' ? `{ ${items} }` : `${node.open}${items}${node.close}`;
}
