import type { BlockdevDetectZeroesOptions } from '../../../generated/index.js';
import { BlockError, invalid } from '../error.js';
import { BlockOptions, type OptionValue } from '../options.js';
import {
  inherited,
  nodeFlagsOf,
  type OpenFlags,
  rootDefaults,
  staysReadOnly,
  takeDetectZeroes,
  takeFlags,
} from './flags.js';
import type { BlockNode } from './node.js';

/** What becomes of a node that is reopened. */
export interface NodePlan {
  readonly node: BlockNode;
  readonly flags: OpenFlags;
  readonly detectZeroes: BlockdevDetectZeroesOptions;
  /** The options with which it is open from then on, in full. */
  readonly given: BlockOptions;
  /** Those of them that the driver can change. */
  readonly changeable: BlockOptions;
  /** The children that are exchanged, by the names of the edges. `null`: there is none any more. */
  readonly children: ReadonlyMap<string, BlockNode | null>;
}

/** A node and the options that it is asked to have. */
export interface ReopenRequest {
  readonly node: BlockNode;
  readonly options: BlockOptions;
}

/** Options of every node. What is not given of them returns to its default, whatever the driver. */
export const commonOptions: ReadonlySet<string> = new Set([
  'active',
  'driver',
  'node-name',
  'discard',
  'cache.direct',
  'cache.no-flush',
  'read-only',
  'auto-read-only',
  'force-share',
  'detect-zeroes',
]);

/**
 * Works out what becomes of nodes, and of the children that were opened with them. Of two requests for the same node the later
 * one counts; what is asked of a node itself counts more than what it would inherit.
 *
 * @param reference finds a node by its name
 * @throws BlockError for what cannot be changed
 */
export function planReopening(
  requests: readonly ReopenRequest[],
  reference: (name: string) => BlockNode,
): Map<BlockNode, NodePlan> {
  const plans = new Map<BlockNode, NodePlan>();
  const asked = new Set(requests.map(({ node }) => node));
  const add = (node: BlockNode, options: BlockOptions | undefined, base: OpenFlags): void => {
    const { plan, inner } = planNode(node, options, base, reference);
    plans.set(node, plan);
    for (const { name, child, own } of inner) {
      if (!asked.has(child))
        add(child, own, inherited(asAsked(plan.flags), name === 'backing' ? 'backing' : 'protocol'));
    }
  };
  for (const { node, options } of requests) add(node, options, rootDefaults);
  return plans;
}

/** What a node's flags are when it is active. */
function asAsked(flags: OpenFlags): OpenFlags {
  return { ...flags, readOnly: staysReadOnly(flags) };
}

/** A child that was opened with its parent, and is reopened with it. `own` absent: with the options that it has. */
interface InnerChild {
  readonly name: string;
  readonly child: BlockNode;
  readonly own: BlockOptions | undefined;
}

function planNode(
  node: BlockNode,
  options: BlockOptions | undefined,
  base: OpenFlags,
  reference: (name: string) => BlockNode,
): { readonly plan: NodePlan; readonly inner: readonly InnerChild[] } {
  if (node.driver.changeable === undefined) {
    throw new BlockError(
      `Block format '${node.driver.name}' used by node '${node.name}' does not support reopening files`,
      { code: 'ENOTSUP' },
    );
  }
  const rest = options?.clone() ?? ownOptions(node);
  if (options !== undefined) refuseLostBacking(node, rest);
  const inner = takeInner(node, rest);
  const flags = takeNodeFlags(node, rest, base);
  const detectZeroes = takeDetectZeroes(rest, flags);
  const changeable = takeChangeable(node, rest);
  const children = takeReplaced(node, rest, reference);
  refuseChanges(node, rest);
  return { plan: { node, flags, detectZeroes, given: options ?? node.given, changeable, children }, inner };
}

/** What a node was opened with, without what it says of children. */
function ownOptions(node: BlockNode): BlockOptions {
  return new BlockOptions([...node.given.entries()].filter(([key]) => !ofChild(node, key)));
}

function ofChild({ children }: BlockNode, key: string): boolean {
  return [...children.keys(), 'file', 'backing'].some((name) => key === name || key.startsWith(`${name}.`));
}

/** @throws BlockError when a backing file that the image has, or its header names, is not mentioned */
function refuseLostBacking(node: BlockNode, options: BlockOptions): void {
  const { given } = node;
  if (options.has('backing') || options.hasUnder('backing')) return;
  const below = node.below?.belowImplicit;
  if (below === undefined && node.instance?.backingFile === undefined) return;
  // The image's header alone named it, and still does.
  if (below?.opener === node && !given.has('backing') && !given.hasUnder('backing')) return;
  throw invalid(`backing is missing for '${node.name}'`);
}

/** Takes what the options say of the children that stay. */
function takeInner(node: BlockNode, rest: BlockOptions): InnerChild[] {
  const inner: InnerChild[] = [];
  for (const [name, edge] of node.children) {
    const child = edge.node.belowImplicit;
    const same = rest.get(name) === child.name;
    if (child.opener === node && (same || !rest.has(name))) {
      const own = rest.takeUnder(name);
      inner.push({ name, child, own: own.size === 0 ? undefined : own });
    }
    if (same) rest.take(name);
  }
  return inner;
}

function takeNodeFlags(node: BlockNode, rest: BlockOptions, base: OpenFlags): OpenFlags {
  const forceShare = rest.takeBoolean('force-share') ?? node.forceShare;
  if (forceShare !== node.forceShare) throw unchangeable('force-share');
  // The one option that keeps its value when it is not given.
  const dormant = node.flags.inactive !== undefined;
  const flags = takeFlags(rest, { ...base, unmap: node.flags.unmap, forceShare: false, dormant });
  if (flags.dormant !== dormant) throw unchangeable('active');
  // A driver that never writes cannot be asked to, and need not be.
  const readOnly = flags.readOnly || (flags.autoReadOnly === true && node.instance?.forcesReadOnly === true);
  if (forceShare && !readOnly) throw invalid('force-share=on can only be used with read-only images');
  if (!readOnly && node.instance?.forcesReadOnly) {
    throw new BlockError(`Node '${node.name}' is read only`, { code: 'EACCES' });
  }
  if (readOnly && node.requests.copyOnRead > 0) {
    throw invalid(`Can't set node '${node.name}' to r/o with copy-on-read enabled`);
  }
  return nodeFlagsOf({ ...flags, readOnly, forceShare });
}

/** Takes the options that the driver can change. @throws BlockError when one that it cannot is not given any more */
function takeChangeable(node: BlockNode, rest: BlockOptions): BlockOptions {
  const { changeable: names = [], keptOnceGiven: kept = [] } = node.driver;
  const can = (key: string) => names.some((name) => key === name || key.startsWith(`${name}.`));
  for (const key of node.given.keys()) {
    if (!rest.has(key) && !commonOptions.has(key) && !can(key) && !ofChild(node, key)) {
      throw invalid(`Option '${key}' cannot be reset to its default value`);
    }
  }
  const taken: [string, OptionValue][] = [];
  for (const [key, value] of [...rest.entries()]) {
    if (!can(key) && !kept.includes(key)) continue;
    taken.push([key, value]);
    rest.take(key);
  }
  return new BlockOptions(taken);
}

/** Takes the children that are exchanged. @throws BlockError when there is no such node */
function takeReplaced(
  node: BlockNode,
  rest: BlockOptions,
  reference: (name: string) => BlockNode,
): Map<string, BlockNode | null> {
  const replaced = new Map<string, BlockNode | null>();
  for (const name of ['backing', 'file']) {
    const value = rest.get(name);
    const present = node.children.has(name);
    if (name === 'backing' ? !node.driver.supportsBacking : !present) continue;
    if (typeof value === 'string' && value !== '') replaced.set(name, reference(value));
    else if (name === 'backing' && (value === null || value === '')) {
      if (present) replaced.set(name, null);
    } else continue;
    rest.take(name);
  }
  return replaced;
}

/** @throws BlockError for an option that is neither as it was nor one that can be changed */
function refuseChanges(node: BlockNode, rest: BlockOptions): void {
  for (const [key, value] of rest.entries()) {
    const present = key === 'driver' ? node.driver.name : key === 'node-name' ? node.name : node.given.get(key);
    if (present === undefined || ofChild(node, key) || plain(present) !== plain(value)) throw unchangeable(key);
  }
}

/** Command lines give text where QMP gives values. */
function plain(value: OptionValue): string {
  return value === true ? 'on' : value === false ? 'off' : String(value);
}

function unchangeable(option: string): BlockError {
  return invalid(`Cannot change the option '${option}'`);
}
