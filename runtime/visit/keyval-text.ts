import { escapeCommas, readValue } from './comma-text.js';
import { OptionError } from './option-error.js';

/** What key=value text says: objects, lists and, as leaves, strings. */
export type KeyvalTree = string | KeyvalTree[] | KeyvalObject;

/** An object of key=value text. */
export interface KeyvalObject {
  [key: string]: KeyvalTree;
}

/** How an option wants its key=value text read. */
export interface KeyvalOptions {
  /** The key, perhaps dotted, of a first parameter that is a bare value. */
  readonly impliedKey?: string;
  /** Whether `help` and `?` are allowed. Default: they are an error. */
  readonly allowHelp?: boolean;
}

/** Key=value text, read. */
export interface Keyval {
  readonly tree: KeyvalObject;
  /** Whether `help` or `?` stood in it. */
  readonly help: boolean;
}

type Branch = Map<string, string | Branch>;

/** The next fragment of a key: a name, perhaps with a downstream prefix (which may hold dots), or an index. */
const fragmentPattern = /(?:__[A-Za-z0-9.-]+_)?[A-Za-z][A-Za-z0-9_-]*|[0-9]+/y;
const indexPattern = /^[0-9]+$/;
const longestFragment = 127;

/**
 * Reads the key=value syntax of `-blockdev` and its kin: `driver=qcow2,file.driver=file,file.filename=a,,b.img`.
 * Dots nest, `,,` is a comma, keys that are all indexes make a list.
 *
 * @throws OptionError when the text is malformed, a key is used both as a value and as a container, or a list has holes.
 */
export function parseKeyval(text: string, options: KeyvalOptions = {}): Keyval {
  const root: Branch = new Map();
  let help = false;
  let start = 0;
  while (start < text.length) {
    const parameter = parseParameter(text, start, start === 0 ? options.impliedKey : undefined);
    if (parameter.key === undefined) {
      if (!options.allowHelp)
        throw new OptionError(`Help is not available for this option: remove '${text.slice(start, parameter.end)}'`);
      help = true;
    } else {
      insert(root, parameter.key, splitKey(parameter.key), parameter.value);
    }
    start = parameter.end + 1;
  }
  return { tree: toObject(root, ''), help };
}

interface Parameter {
  /** Absent for `help` and `?`. */
  readonly key: string | undefined;
  readonly value: string;
  /** Where the comma after the parameter, or the end of the text, is. */
  readonly end: number;
}

function parseParameter(text: string, start: number, impliedKey: string | undefined): Parameter {
  const length = text.slice(start).search(/[=,]/);
  const end = length === -1 ? text.length : start + length;
  const word = text.slice(start, end);
  if (text[end] === '=') return { key: word, ...readValue(text, end + 1) };
  if (word === 'help' || word === '?') return { key: undefined, value: '', end };
  if (impliedKey === undefined) {
    throw new OptionError(
      word === '' ? `Expected a key before ',' in '${text}'` : `Expected '=' after parameter '${word}'`,
      word,
    );
  }
  if (word === '') throw new OptionError(`Expected a value for '${impliedKey}' before ','`, impliedKey);
  if (text[end + 1] === ',' && text[end] === ',') {
    throw new OptionError(`A value that holds a comma needs its key: write '${impliedKey}=${word},,…'`, impliedKey);
  }
  return { key: impliedKey, value: word, end };
}

function splitKey(key: string): string[] {
  const fragments: string[] = [];
  let position = 0;
  do {
    fragmentPattern.lastIndex = position;
    const fragment = fragmentPattern.exec(key)?.[0];
    if (fragment === undefined || (fragments.length === 0 && indexPattern.test(fragment))) throw invalidKey(key);
    if (fragment.length > longestFragment) {
      throw new OptionError(`A part of the key '${key}' is longer than ${longestFragment} characters`, key);
    }
    fragments.push(fragment);
    position += fragment.length;
    if (position < key.length && key[position] !== '.') throw invalidKey(key);
    position += 1;
  } while (position <= key.length);
  return fragments;
}

function invalidKey(key: string): OptionError {
  return new OptionError(
    `'${key}' is not a valid key: expected names (and, after the first, indexes) joined by '.'`,
    key,
  );
}

function insert(root: Branch, key: string, fragments: readonly string[], value: string): void {
  let branch = root;
  for (const [depth, fragment] of fragments.entries()) {
    // Indexes may have leading zeros.
    const name = depth > 0 && indexPattern.test(fragment) ? fragment.replace(/^0+(?=[0-9])/, '') : fragment;
    const existing = branch.get(name);
    const last = depth === fragments.length - 1;
    if (existing !== undefined && (typeof existing === 'string') !== last) {
      const prefix = fragments.slice(0, depth + 1).join('.');
      throw new OptionError(`'${prefix}' is given both a value and members ('${key}')`, prefix);
    }
    if (last) branch.set(name, value);
    else if (typeof existing === 'object') branch = existing;
    else {
      const next: Branch = new Map();
      branch.set(name, next);
      branch = next;
    }
  }
}

function toObject(branch: Branch, path: string): KeyvalObject {
  return Object.fromEntries(
    [...branch].map(([name, value]) => [name, toTree(value, path === '' ? name : `${path}.${name}`)]),
  );
}

function toTree(value: string | Branch, path: string): KeyvalTree {
  if (typeof value === 'string') return value;
  const indexes = [...value.keys()].filter((name) => indexPattern.test(name));
  if (indexes.length === 0) return toObject(value, path);
  if (indexes.length < value.size) throw new OptionError(`'${path}' has both indexes and names as members`, path);
  return Array.from({ length: value.size }, (_, index) => {
    const element = value.get(String(index));
    if (element === undefined) throw new OptionError(`'${path}.${index}' is missing: a list must not have holes`, path);
    return toTree(element, `${path}.${index}`);
  });
}

/**
 * Merges a repeated option into what was given before: objects member by member, lists one after the other; of two scalars the later wins.
 *
 * @throws OptionError when a key has a different kind of value in both.
 */
export function mergeKeyval(earlier: KeyvalObject, later: KeyvalObject): KeyvalObject {
  return mergeObjects(earlier, later, '');
}

function mergeObjects(earlier: KeyvalObject, later: KeyvalObject, path: string): KeyvalObject {
  const merged = { ...earlier };
  for (const [key, value] of Object.entries(later)) {
    const before = Object.hasOwn(earlier, key) ? earlier[key] : undefined;
    merged[key] = before === undefined ? value : mergeTrees(before, value, path === '' ? key : `${path}.${key}`);
  }
  return merged;
}

function mergeTrees(earlier: KeyvalTree, later: KeyvalTree, path: string): KeyvalTree {
  if (typeof earlier === 'string' && typeof later === 'string') return later;
  if (Array.isArray(earlier) && Array.isArray(later)) return [...earlier, ...later];
  if (typeof earlier === 'object' && typeof later === 'object' && !Array.isArray(earlier) && !Array.isArray(later)) {
    return mergeObjects(earlier, later, path);
  }
  throw new OptionError(`'${path}' is given different kinds of values`, path);
}

/** A value that key=value text may be able to express. */
export type KeyvalValue = null | boolean | string | number | bigint | KeyvalValue[] | { [key: string]: KeyvalValue };

/**
 * Writes an object as key=value text, the inverse of {@link parseKeyval} followed by a keyval visitor.
 *
 * @throws OptionError for what the syntax cannot express: `null`, empty lists and empty nested objects.
 */
export function formatKeyval(value: { [key: string]: KeyvalValue }): string {
  const parameters: string[] = [];
  for (const [key, member] of Object.entries(value)) formatMember(parameters, key, member);
  return parameters.join(',');
}

function formatMember(parameters: string[], key: string, value: KeyvalValue): void {
  if (value === null) throw new OptionError(`'${key}' is null, which key=value text cannot express`, key);
  if (typeof value !== 'object') {
    const text = typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value);
    parameters.push(`${key}=${escapeCommas(text)}`);
    return;
  }
  const members = Object.entries(value);
  if (members.length === 0) throw new OptionError(`'${key}' is empty, which key=value text cannot express`, key);
  for (const [name, member] of members) formatMember(parameters, `${key}.${name}`, member);
}
