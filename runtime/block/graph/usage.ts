import type { NodeFlags } from '../driver.js';
import { BlockError } from '../error.js';
import {
  everything,
  namedPermissions,
  ofFormat,
  ofOverlay,
  Permission,
  type PermissionChange,
  type Permissions,
  together,
  unused,
} from '../permissions.js';
import type { BlockNode, NodeEdge, RootOwner } from './node.js';

type FlagsOf = (node: BlockNode) => NodeFlags;

/**
 * Keeps what nodes are used for, and what drivers have taken from other processes for it, in step with the graph. Edges are made
 * first, and cut again if this fails. Changes come one after the other: each sees the edges of those before it.
 */
export class Usage {
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Brings a node and all that is below it up to date.
   *
   * @throws BlockError when users exclude each other, or other processes exclude them. What was taken before is kept.
   */
  update(nodes: Iterable<BlockNode>): Promise<void> {
    return this.changing(nodes, currentFlags, async () => {});
  }

  /**
   * Changes the flags of nodes. What the new ones need is taken before, what they do not need is given up after it.
   *
   * @param flagsOf the flags that nodes are going to have; `work` sees to that
   * @throws BlockError like {@link update}, and what `work` throws: then everything is as before
   */
  changing<T>(nodes: Iterable<BlockNode>, flagsOf: FlagsOf, work: () => Promise<T>): Promise<T> {
    const change = this.#last.then(() => changed([...nodes], flagsOf, work));
    this.#last = change.catch(() => {});
    return change;
  }
}

/** What an edge does to the node that it leads to, and lets others do, as things are. */
export function permissionsOf(edge: NodeEdge): Permissions {
  return usesThrough(edge, currentFlags, new Map());
}

/** What all users of a node do with it, as things are. */
export function permissionsOn(node: BlockNode): Permissions {
  return usesOf(node, currentFlags, new Map());
}

function currentFlags(node: BlockNode): NodeFlags {
  return node.flags;
}

async function changed<T>(nodes: readonly BlockNode[], flagsOf: FlagsOf, work: () => Promise<T>): Promise<T> {
  const seen = new Map<BlockNode, Permissions>();
  const prepared: PermissionChange[] = [];
  let result: T;
  try {
    for (const node of withChildren(nodes)) {
      refuseInactiveChildren(node, flagsOf);
      refuseWriting(node, flagsOf, seen);
      refuseConflicts(node, flagsOf, seen);
      const change = await node.instance?.preparePermissions?.(usesOf(node, flagsOf, seen));
      if (change !== undefined) prepared.push(change);
    }
    result = await work();
  } catch (error) {
    for (const change of prepared.reverse()) await change.abort();
    throw error;
  }
  for (const change of prepared) await change.commit();
  return result;
}

function withChildren(nodes: readonly BlockNode[]): Set<BlockNode> {
  const found = new Set(nodes);
  for (const upper of found) for (const lower of upper.childNodes()) found.add(lower);
  return found;
}

/** What is done to a node by all that is above it. */
function usesOf(node: BlockNode, flagsOf: FlagsOf, seen: Map<BlockNode, Permissions>): Permissions {
  const known = seen.get(node);
  if (known !== undefined) return known;
  let all = unused;
  for (const edge of node.parents) {
    const one = usesThrough(edge, flagsOf, seen);
    all = together(all, { uses: one.uses, shares: one.sharesBelow ?? one.shares });
  }
  seen.set(node, all);
  return all;
}

/** What one edge does to the node that it leads to. */
function usesThrough(edge: NodeEdge, flagsOf: FlagsOf, seen: Map<BlockNode, Permissions>): Permissions {
  const { owner, permissions } = edge;
  if ('backend' in owner) return flagsOf(edge.node).inactive ? unused : permissions;
  const parent = owner.node;
  if (parent === undefined) return unused;
  const uses = usesOfParent(edge, parent, flagsOf, seen);
  return edge.node.forceShare ? { ...uses, shares: everything } : uses;
}

/** What a node does to one of its children. */
function usesOfParent(
  { role, name }: NodeEdge,
  parent: BlockNode,
  flagsOf: FlagsOf,
  seen: Map<BlockNode, Permissions>,
): Permissions {
  const own = usesOf(parent, flagsOf, seen);
  if (role === 'backing') return ofOverlay(own);
  const { driver } = parent;
  // Another program has the image: whatever happens to its file is that one's affair.
  if (flagsOf(parent).inactive) return unused;
  const { readsData, parents, amendments } = parent;
  const writable = !flagsOf(parent).readOnly;
  const state = { writable, readsData, used: parents.size > 0, amended: amendments > 0 };
  const special = parent.instance?.childPermissions?.(own, state, name) ?? driver.childPermissions?.(own, state, name);
  return special ?? (driver.kind === 'format' ? ofFormat(own, state) : own);
}

/** @throws BlockError when something writes to a node that is going to be read-only: one of some nodes, or below them */
export function refuseReadOnlyUsers(nodes: Iterable<BlockNode>, flagsOf: FlagsOf): void {
  const seen = new Map<BlockNode, Permissions>();
  for (const node of withChildren([...nodes])) refuseWriting(node, flagsOf, seen);
}

function refuseWriting(node: BlockNode, flagsOf: FlagsOf, seen: Map<BlockNode, Permissions>): void {
  if (!flagsOf(node).readOnly) return;
  const { uses } = usesOf(node, flagsOf, seen);
  if ((uses & (Permission.write | Permission.writeUnchanged)) === 0) return;
  const reason = node.flags.readOnly
    ? `Block node is read-only: '${node.name}', which would have to be reopened for writing with what is above it`
    : `Read-only block node '${node.name}' cannot support read-write users`;
  throw new BlockError(reason, { code: 'EPERM' });
}

/** @throws BlockError when a user of an inactive node needs it active */
export function refuseInactive({ flags, name }: BlockNode, { owner, permissions }: NodeEdge): void {
  if (!flags.inactive || !('backend' in owner) || allowsInactive(owner.backend)) return;
  const [needed] = namedPermissions(permissions.uses).toReversed();
  if (needed === undefined) return;
  throw new BlockError(`Permission '${needed[1]}' unavailable on inactive node '${name}'`, { code: 'EPERM' });
}

/** Whether a user makes no requests while its node is inactive. One with a name has a guest, which does not run then. */
export function allowsInactive(owner: RootOwner): boolean {
  return owner.allowsInactive ?? owner.name !== '';
}

/** @throws BlockError when an active node would stand on an inactive one */
function refuseInactiveChildren(node: BlockNode, flagsOf: FlagsOf): void {
  if (flagsOf(node).inactive) return;
  for (const { name, node: child } of node.children.values()) {
    if (!flagsOf(child).inactive) continue;
    throw new BlockError(`Inactive '${child.name}' can't be a ${name} child of active '${node.name}'`, {
      code: 'EPERM',
    });
  }
}

/** @throws BlockError when one user of a node does what another does not share */
function refuseConflicts(node: BlockNode, flagsOf: FlagsOf, seen: Map<BlockNode, Permissions>): void {
  const users = [...node.parents].map((edge) => ({ edge, permissions: usesThrough(edge, flagsOf, seen) }));
  for (const other of users) {
    for (const { edge, permissions } of users) {
      const conflicts = namedPermissions(permissions.uses & ~other.permissions.shares).map(([, name]) => name);
      if (other.edge === edge || conflicts.length === 0) continue;
      throw new BlockError(
        `Permission conflict on node '${node.name}': ${userOf(edge)} needs '${conflicts.join(', ')}', ` +
          `which ${userOf(other.edge)} does not let others do`,
        { code: 'EPERM' },
      );
    }
  }
}

function userOf({ owner, name, node }: NodeEdge): string {
  const place = `(which uses node '${node.name}' as its '${name}' child)`;
  if (!('backend' in owner)) return `node '${owner.node?.name ?? ''}' ${place}`;
  const { backend } = owner;
  return `${backend.title ?? (backend.name === '' ? 'an unnamed block device' : `block device '${backend.name}'`)} ${place}`;
}
