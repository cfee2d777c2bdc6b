import { isAbsolute } from 'node:path';
import { parseJson } from '../../json/parse.js';
import { stringifyReply } from '../../json/stringify-reply.js';
import { isJsonObject, type JsonValue } from '../../json/value.js';
import type { BlockDriver } from '../driver.js';
import { invalid } from '../error.js';
import { BlockOptions, type OptionValue } from '../options.js';

/** The prefix of names that are an object of options. */
const jsonPrefix = 'json:';

/** Whether a name is an object of options in disguise. */
export function isJsonName(filename: string): boolean {
  return filename.startsWith(jsonPrefix);
}

/** The characters before the first colon, if no slash comes before it: `nbd` of `nbd:unix:/run/x`. */
export function protocolOf(filename: string): string | undefined {
  return /^([^:/]*):/.exec(filename)?.[1];
}

/** The options that a `json:` name stands for. @throws BlockError when it is not an object */
export function parseJsonName(filename: string): BlockOptions {
  let value: JsonValue;
  try {
    value = parseJson(filename.slice(jsonPrefix.length));
  } catch (error) {
    throw invalid(`Could not parse the JSON options: ${(error as Error).message}`);
  }
  if (!isJsonObject(value)) throw invalid('Invalid JSON object given');
  return BlockOptions.flatten(value);
}

/**
 * The name of a backing file, seen from where we are: a relative one counts from the directory of its overlay.
 *
 * @param overlay the overlay's own file name
 * @param name as it stands in the overlay's header
 * @throws BlockError when the overlay has no name that a relative one could count from
 */
export function resolveBackingName(overlay: string, name: string): string {
  if (protocolOf(name) !== undefined || isAbsolute(name)) return name;
  if (overlay === '' || isJsonName(overlay)) {
    throw invalid(`Cannot use the relative backing file name '${name}': '${overlay}' has no directory`);
  }
  // Behind a server's name without a path, it would be another server.
  if (/^[^:/]+:\/\/[^/]+$/.test(overlay)) return `${overlay}/${name}`;
  const protocol = protocolOf(overlay);
  const afterPrefix = protocol === undefined ? 0 : protocol.length + 1;
  return overlay.slice(0, Math.max(overlay.lastIndexOf('/') + 1, afterPrefix)) + name;
}

/** A node with a file name, perhaps over another that has a plainer one. */
interface Placed {
  readonly filename: string;
  readonly file?: { readonly node: Placed } | undefined;
}

/** The file name that relative ones count from: that of the node, or, where it is only options, that of its file. */
export function placeOf(node: Placed): string {
  let place = node;
  while (isJsonName(place.filename) && place.file !== undefined) place = place.file.node;
  return place.filename;
}

/** Options of one node that say nothing of what it reads: they are left out of `json:` names. */
const commonKeys = new Set([
  'driver',
  'node-name',
  'read-only',
  'cache.direct',
  'cache.no-flush',
  'discard',
  'detect-zeroes',
  'force-share',
  'auto-read-only',
  'filename',
]);

/** What a file name is made from. */
export interface NamedNode {
  readonly driver: Pick<BlockDriver, 'name' | 'kind' | 'filter' | 'weakOptions'>;
  readonly given: BlockOptions;
  readonly children: ReadonlyMap<string, { readonly node: { readonly filename: string; readonly options: JsonValue } }>;
  /** Opened by its name, it would have another backing file than it has. */
  readonly backingOverridden: boolean;
  readonly instance:
    | {
        exactFilename?(): string | undefined;
        effectiveOptions?(): { readonly [key: string]: string | number | boolean };
      }
    | undefined;
}

/** The options of a node's own driver, as a `json:` name shows them. */
function ownOptions({ driver, given, children, instance }: NamedNode): { [key: string]: OptionValue } {
  const shown = instance?.effectiveOptions?.();
  if (shown !== undefined) return { ...shown };
  const own: { [key: string]: OptionValue } = {};
  for (const [key, value] of given.entries()) {
    const ofChild = [...children.keys(), 'file', 'backing'].some((name) => key === name || key.startsWith(`${name}.`));
    const isWeak = driver.weakOptions?.some((name) => key === name || key.startsWith(`${name}.`));
    if (!ofChild && !isWeak && !commonKeys.has(key)) own[key] = value;
  }
  return own;
}

/**
 * A node's name as queries show it, and the options that it stands for. A plain name where that opens the same: for
 * a protocol node with nothing but a file name, and for a format node with no options of its own that decide what is read, over
 * the backing file that its header names.
 */
export function describeNode(node: NamedNode): { readonly filename: string; readonly options: JsonValue } {
  const { driver, children, instance, given, backingOverridden } = node;
  const own = ownOptions(node);
  const plainOptions = Object.keys(own).length === 0;
  // What a filter with a backing edge filters is in no header.
  const showsBacking = backingOverridden || (driver.filter && children.has('backing'));
  const options: { [key: string]: JsonValue } = {
    ...(showsBacking ? { backing: null } : {}),
    driver: driver.name,
    ...own,
  };
  let exact: string | undefined;
  if (driver.kind === 'protocol') {
    const name = given.get('filename');
    const known = instance?.exactFilename?.();
    if (typeof name === 'string') options.filename = known ?? name;
    exact = instance?.exactFilename ? known : plainOptions && typeof name === 'string' ? name : undefined;
  } else {
    const file = children.get('file')?.node.filename;
    if (instance?.exactFilename !== undefined) exact = instance.exactFilename();
    else if (!driver.filter && plainOptions && !backingOverridden && file !== undefined && !isJsonName(file))
      exact = file;
  }
  for (const [name, child] of children) {
    if (name !== 'backing' || showsBacking) setPath(options, name, child.node.options);
  }
  return { filename: exact ?? `${jsonPrefix}${stringifyReply(options)}`, options };
}

/** `children.0` is the first item of the list `children`. */
function setPath(options: { [key: string]: JsonValue }, name: string, value: JsonValue): void {
  const list = /^(.*)\.\d+$/.exec(name)?.[1];
  if (list === undefined) {
    options[name] = value;
    return;
  }
  const items = options[list];
  if (Array.isArray(items)) items.push(value);
  else options[list] = [value];
}
