import type { JsonValue } from '../../runtime/json/value.js';
import { type KeyvalTree, parseKeyval } from '../../runtime/visit/keyval-text.js';
import { OptionError } from '../../runtime/visit/option-error.js';
import { readOption } from '../../runtime/visit/options.js';
import { visitAny } from '../../runtime/visit/scalars.js';
import type { Visit } from '../../runtime/visit/visitor.js';

/** What parameters say: text where it was written as text, and any value where it was written as JSON. */
export type ParameterTree = string | JsonValue | ParameterTree[] | { [key: string]: ParameterTree };

/** JSON that has begun and does not end: the next line belongs to it. */
export class IncompleteError extends OptionError {
  constructor() {
    super('the JSON text is not complete: a bracket is missing at its end');
  }
}

/** Stands, with a number behind it, for a value that was written as JSON. */
const PLACEHOLDER = '\0';

/**
 * Reads `key=value` parameters as a person writes them, separated by spaces, commas or line ends. Quotes keep what separates
 * parameters in a value; a value that begins with a bracket is JSON, and may hold spaces and line ends.
 *
 * @throws OptionError that says what is wrong with them, {@link IncompleteError} when JSON does not end
 */
export function readParameters(text: string): { [key: string]: ParameterTree } {
  const values: JsonValue[] = [];
  const { tree } = parseKeyval(asKeyval(text, values));
  return withValues(tree, values) as { [key: string]: ParameterTree };
}

/** Puts commas between parameters, and marks in the place of values in JSON. */
function asKeyval(text: string, values: JsonValue[]): string {
  let result = '';
  let separated = true;
  let inKey = true;
  let quote: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    const isSeparator = quote === undefined && /[\s,]/.test(character);
    if (isSeparator && separated) continue;
    if (character === quote) quote = undefined;
    else if (quote === undefined && (character === '"' || character === "'")) quote = character;
    else if (isSeparator) result += ',';
    else result += character === ',' ? ',,' : character;
    separated = isSeparator;
    if (isSeparator) inKey = true;
    if (!inKey || character !== '=' || quote !== undefined) continue;
    inKey = false;
    const json = jsonAt(text, at + 1);
    if (json === undefined) continue;
    at += json.text.length;
    result += json.isValue ? `${PLACEHOLDER}${values.push(readJson(json.text)) - 1}` : json.text.replaceAll(',', ',,');
    if (at + 1 < text.length && !/[\s,]/.test(text[at + 1] as string)) {
      throw new OptionError(`a space or a comma is missing behind ${json.text}`);
    }
  }
  if (quote !== undefined) throw new OptionError(`the quote ${quote} is not closed`);
  return result;
}

/** The JSON text that begins somewhere; behind `json:`, which names an image, it stays text. */
function jsonAt(text: string, start: number): { readonly text: string; readonly isValue: boolean } | undefined {
  const [, prefix, begins] = /^(json:)?([[{])?/.exec(text.slice(start, start + 6)) ?? [];
  if (begins === undefined) return undefined;
  const end = endOfJson(text, start + (prefix?.length ?? 0));
  return { text: text.slice(start, end), isValue: prefix === undefined };
}

/**
 * Where the JSON that begins with a bracket ends.
 *
 * @throws IncompleteError when it does not
 */
export function endOfJson(text: string, start: number): number {
  let depth = 0;
  let quote: string | undefined;
  for (let at = start; at < text.length; at++) {
    const character = text[at] as string;
    if (quote !== undefined) {
      if (character === '\\') at++;
      else if (character === quote) quote = undefined;
    } else if (character === '"' || character === "'") quote = character;
    else if (/[[{]/.test(character)) depth++;
    else if (/[\]}]/.test(character) && --depth === 0) return at + 1;
  }
  throw new IncompleteError();
}

/** A value in JSON as a QMP server takes it: strings may stand in single quotes, too. */
export function readJson(text: string): JsonValue {
  if (text.startsWith('{')) return readOption(visitAny as Visit<JsonValue>, text);
  return (readOption(visitAny as Visit<JsonValue>, `{"list": ${text}}`) as { list: JsonValue }).list;
}

function withValues(tree: KeyvalTree, values: readonly JsonValue[]): ParameterTree {
  if (typeof tree === 'string') {
    return tree.startsWith(PLACEHOLDER) ? (values[Number(tree.slice(1))] as JsonValue) : tree;
  }
  if (Array.isArray(tree)) return tree.map((element) => withValues(element, values));
  return Object.fromEntries(Object.entries(tree).map(([key, member]) => [key, withValues(member, values)]));
}
