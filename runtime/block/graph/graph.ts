import type { BlockHost, Child, NodeView, RootOwner } from '../driver.js';
import { BlockError } from '../error.js';
import { blockerExcept } from './blockers.js';
import { Edge } from './edge.js';
import { NameSpace } from './names.js';
import type { BlockNode } from './node.js';
import { closeNode, type OpenEnvironment, type OpenRequest, openNode } from './open.js';
import type { DriverRegistry } from './registry.js';
import type { DriverWhitelist } from './whitelist.js';

/** A named backend, as far as the graph knows it. */
export interface Device extends RootOwner {
  /** The edge to its medium. */
  root: Child | undefined;
}

/** All nodes, their edges and their names. */
export class BlockGraph implements OpenEnvironment {
  readonly host: BlockHost;
  readonly drivers: DriverRegistry;
  readonly whitelist: DriverWhitelist;
  readonly names = new NameSpace();
  readonly #nodes = new Map<string, BlockNode>();
  readonly #devices = new Map<string, Device>();

  constructor(host: BlockHost, drivers: DriverRegistry, whitelist: DriverWhitelist = {}) {
    this.host = host;
    this.drivers = drivers;
    this.whitelist = whitelist;
  }

  /** All nodes, in the order in which they got their names. */
  get nodes(): Iterable<BlockNode> {
    return this.#nodes.values();
  }

  /** The named backends, in the order in which they were made. */
  get devices(): Iterable<Device> {
    return this.#devices.values();
  }

  node(name: string): BlockNode | undefined {
    const node = this.#nodes.get(name);
    return node?.instance === undefined ? undefined : node;
  }

  device(name: string): Device | undefined {
    return this.#devices.get(name);
  }

  /** @throws BlockError when the name is malformed or taken */
  addDevice(device: Device): void {
    this.names.takeDevice(device.name);
    this.#devices.set(device.name, device);
  }

  removeDevice(device: Device): void {
    if (this.#devices.get(device.name) !== device) return;
    this.#devices.delete(device.name);
    this.names.release(device.name);
  }

  register(node: BlockNode): void {
    this.#nodes.set(node.name, node);
  }

  forget(node: BlockNode): void {
    this.#nodes.delete(node.name);
    this.names.release(node.name);
  }

  /**
   * The node that two arguments of a command mean: a device's medium, else a node.
   *
   * @throws BlockError when neither exists, or the device is empty
   */
  deviceOrNode(device: string | undefined, nodeName: string | undefined): BlockNode {
    const backend = device === undefined ? undefined : this.#devices.get(device);
    if (backend !== undefined) {
      if (backend.root === undefined) throw new BlockError(`Device '${device}' has no medium`, { code: 'ENOMEDIUM' });
      return backend.root.node as BlockNode;
    }
    const node = nodeName === undefined ? undefined : this.node(nodeName);
    if (node !== undefined) return node;
    throw new BlockError(`Cannot find device='${device ?? ''}' nor node-name='${nodeName ?? ''}'`, { code: 'ENODEV' });
  }

  reference(name: string): BlockNode {
    return this.deviceOrNode(name, name);
  }

  /**
   * The node that a job or an internal snapshot works on: one that only backends are above, with a medium.
   *
   * @throws BlockError when there is none, or it is not such a node
   */
  rootNode(name: string): BlockNode {
    const node = this.deviceOrNode(name, name);
    if (!node.isRoot) throw new BlockError(`Need a root block node: '${name}' is below another node`);
    if (!node.inserted) throw new BlockError(`Device '${name}' has no medium`, { code: 'ENOMEDIUM' });
    return node;
  }

  /** @throws BlockError when no node has this name */
  namedNode(name: string): BlockNode {
    const node = this.node(name);
    if (node === undefined) throw new BlockError(`Cannot find node '${name}'`, { code: 'ENODEV' });
    return node;
  }

  /** Opens a node. Whoever opens it holds it, or gives it to somebody who does, before anything else happens. */
  open(request: OpenRequest): Promise<BlockNode> {
    return openNode(this, request);
  }

  /** Puts a node under a backend. */
  attachRoot(node: NodeView, owner: RootOwner): Edge {
    return new Edge('root', 'root', { backend: owner }, node as BlockNode);
  }

  /** Takes a node from under a backend; it is closed when nobody else holds it. */
  async detachRoot(root: Child): Promise<void> {
    const edge = root as Edge;
    edge.cut();
    await this.release(edge.node as BlockNode);
  }

  /** Closes a node, and what is below it, unless somebody holds it. */
  async release(node: BlockNode): Promise<void> {
    if (node.held || this.#nodes.get(node.name) !== node) return;
    // An image that is still being opened belongs to whoever opens it.
    if (node.instance === undefined) return;
    this.forget(node);
    await closeNode(this, node);
  }

  link(overlay: BlockNode, backing: BlockNode): void {
    if (reaches(backing, overlay)) {
      throw new BlockError(`'${backing.name}' cannot be the backing file of '${overlay.name}', which it contains`, {
        code: 'ELOOP',
      });
    }
    const present = overlay.backing;
    if (present) {
      overlay.below?.blockers.remove(overlay.backingBlocker);
      present.point(backing);
    } else {
      overlay.children.set('backing', new Edge('backing', 'backing', { node: overlay }, backing));
    }
    overlay.backingBlocker = blockerExcept(`node is used as backing hd of '${overlay.deviceOrNodeName}'`, [
      'commit-target',
      'backup-source',
      'backup-target',
    ]);
    backing.blockers.add(overlay.backingBlocker);
    overlay.backingName = backing.filename;
    overlay.backingFormat = backing.driver.name;
  }

  /** Takes the backing file from under an overlay; it is closed when nobody else holds it. */
  async unlink(overlay: BlockNode): Promise<void> {
    const edge = overlay.backing;
    const below = overlay.below;
    if (edge === undefined || below === undefined) return;
    below.blockers.remove(overlay.backingBlocker);
    overlay.backingBlocker = undefined;
    overlay.children.delete('backing');
    edge.cut();
    overlay.backingName = undefined;
    overlay.backingFormat = undefined;
    await this.release(below);
  }

  /** Puts another backing file under an overlay; the one that was there is closed when nobody else holds it. */
  async relink(overlay: BlockNode, backing: BlockNode | undefined): Promise<void> {
    const before = overlay.below;
    if (backing === undefined) return this.unlink(overlay);
    this.link(overlay, backing);
    if (before !== undefined && before !== backing) await this.release(before);
  }

  /**
   * Puts one node where another is: everything that led to `from` leads to `to`, except the backing edge of `to` itself.
   * Whoever calls holds `from`, or it is closed.
   */
  async replace(from: BlockNode, to: BlockNode): Promise<void> {
    for (const edge of [...from.parents]) {
      const ownBacking = edge.role === 'backing' && 'node' in edge.owner && edge.owner.node === to;
      if (!ownBacking) edge.point(to);
    }
    to.resized();
    this.describeAbove(to);
    await this.release(from);
  }

  /** Puts a new overlay on top of a node: it takes over whatever was above, and gets the node as its backing file. */
  async append(overlay: BlockNode, top: BlockNode): Promise<void> {
    this.link(overlay, top);
    await this.replace(top, overlay);
  }

  /** Makes the file names of all nodes above one anew. */
  describeAbove(node: BlockNode): void {
    for (const { owner, role } of node.parents) {
      if (!('node' in owner) || role === 'backing') continue;
      const parent = owner.node as BlockNode;
      parent.describe();
      this.describeAbove(parent);
    }
  }

  /**
   * Runs work while nothing is in flight on a node, on what is below it, and in the backends above it: new requests of theirs wait.
   */
  async drained<T>(node: BlockNode, work: () => Promise<T>): Promise<T> {
    return this.#drained(backendsAbove(node), [node], work);
  }

  /** Runs work while nothing at all is in flight. */
  async drainedAll<T>(work: () => Promise<T>): Promise<T> {
    const owners = new Set<RootOwner>();
    for (const node of this.nodes) for (const owner of backendsAbove(node)) owners.add(owner);
    return this.#drained(owners, [...this.nodes], work);
  }

  async #drained<T>(owners: ReadonlySet<RootOwner>, nodes: BlockNode[], work: () => Promise<T>): Promise<T> {
    const begun: RootOwner[] = [];
    try {
      await Promise.all(
        [...owners].map((owner) => {
          begun.push(owner);
          return owner.drainBegin();
        }),
      );
      for (const node of nodes) await idle(node);
      return await work();
    } finally {
      for (const owner of begun) owner.drainEnd();
    }
  }

  /** Closes everything. Nodes that backends hold are let go of by their owners first. */
  async close(): Promise<void> {
    for (const node of [...this.nodes]) {
      node.monitorOwned = false;
      node.holds = 0;
      await this.release(node);
    }
  }
}

/** The backends that reach a node through any number of edges. */
function backendsAbove(node: BlockNode, found = new Set<RootOwner>()): Set<RootOwner> {
  for (const { owner } of node.parents) {
    if ('backend' in owner) found.add(owner.backend);
    else backendsAbove(owner.node as BlockNode, found);
  }
  return found;
}

/** Waits until nothing is in flight on a node and below. */
async function idle(node: BlockNode): Promise<void> {
  await node.requests.tracker.idle();
  for (const child of node.childNodes()) await idle(child);
}

/** Whether a node is another, or has it below. */
function reaches(from: BlockNode, to: BlockNode): boolean {
  if (from === to) return true;
  for (const child of from.childNodes()) if (reaches(child, to)) return true;
  return false;
}
