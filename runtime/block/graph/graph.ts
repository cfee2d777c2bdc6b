import type { BlockHost, Child } from '../driver.js';
import { BlockError, blockErrorOf, noMedium } from '../error.js';
import { type Permissions, unused } from '../permissions.js';
import { blockerExcept } from './blockers.js';
import { closeNode } from './close.js';
import { drained } from './drained.js';
import { Edge, type EdgeChanges } from './edge.js';
import { NameSpace } from './names.js';
import type { BlockNode, NodeEdge, RootOwner } from './node.js';
import { type OpenEnvironment, type OpenRequest, openNode } from './open.js';
import type { DriverRegistry } from './registry.js';
import { Turns } from './turns.js';
import { refuseInactive, Usage } from './usage.js';
import { follows, nodesBelow, tiedNodes } from './walk.js';
import type { DriverWhitelist } from './whitelist.js';

/** A backend, as far as the graph knows it. */
export interface Device extends RootOwner {
  /** The edge to its medium. */
  root: Child | undefined;
}

/** The user of a node for a moment. */
const passing: RootOwner = { name: '', drainBegin: async () => {}, drainEnd: () => {} };

/** All nodes, their edges and their names. */
export class BlockGraph implements OpenEnvironment {
  readonly host: BlockHost;
  readonly drivers: DriverRegistry;
  readonly whitelist: DriverWhitelist;
  readonly names = new NameSpace();
  readonly edgeChanges: EdgeChanges = { count: 0 };
  readonly usage = new Usage();
  /** Keeps changes of the graph apart. */
  readonly turns = new Turns();
  /** Called with each node that has been opened, before it is used. */
  onOpened: ((node: BlockNode) => Promise<void>) | undefined;
  readonly #nodes = new Map<string, BlockNode>();
  readonly #devices = new Map<string, Device>();

  constructor(host: BlockHost, drivers: DriverRegistry, whitelist: DriverWhitelist = {}) {
    this.host = host;
    this.drivers = drivers;
    this.whitelist = whitelist;
  }

  /** All nodes that are open, in the order in which they got their names. */
  get nodes(): Iterable<BlockNode> {
    return [...this.#nodes.values()].filter((node) => node.usable);
  }

  /** The node of a name, once it is open. */
  node(name: string): BlockNode | undefined {
    const node = this.#nodes.get(name);
    return node?.usable ? node : undefined;
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

  async opened(node: BlockNode): Promise<void> {
    await this.onOpened?.(node);
  }

  forget(node: BlockNode): void {
    this.#nodes.delete(node.name);
    this.names.release(node.name);
  }

  /**
   * The node that two arguments of a command mean: what is right below a device, else a node. While a job's filter is over the device's
   * medium, it is the filter.
   *
   * @throws BlockError when neither exists, or the device is empty
   */
  deviceOrNode(device: string | undefined, nodeName: string | undefined): BlockNode {
    const backend = device === undefined ? undefined : this.#devices.get(device);
    if (backend !== undefined) {
      const attached = this.attachedTo(backend);
      if (attached === undefined) throw noMedium(backend.name);
      return attached;
    }
    const node = nodeName === undefined ? undefined : this.node(nodeName);
    if (node !== undefined) return node;
    throw new BlockError(`Cannot find device='${device ?? ''}' nor node-name='${nodeName ?? ''}'`, { code: 'ENODEV' });
  }

  /** The node that a backend uses, if it has a medium. A filter that a job has put in between is none. */
  mediumOf(device: Pick<Device, 'root'>): BlockNode | undefined {
    return this.attachedTo(device)?.belowJobs;
  }

  /** The node right below a backend, if it has a medium. */
  attachedTo({ root }: Pick<Device, 'root'>): BlockNode | undefined {
    return root === undefined ? undefined : this.namedNode(root.node.name);
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
    if (!node.inserted) throw noMedium(name);
    return node;
  }

  /** @throws BlockError when no node has this name */
  namedNode(name: string): BlockNode {
    const node = this.node(name);
    if (node === undefined) throw new BlockError(`Cannot find node '${name}'`, { code: 'ENODEV' });
    return node;
  }

  /** Opens a node. The caller holds it, or hands it to an owner that does, before anything else happens. */
  open(request: OpenRequest): Promise<BlockNode> {
    return openNode(this, request);
  }

  /**
   * Puts a node under a backend.
   *
   * @param permissions what the backend does with it, and lets others do. Default: nothing and everything
   * @param name of the edge
   * @throws BlockError when others exclude that, or another program has the image; the node is then closed, unless something holds it
   */
  async attachRoot(node: BlockNode, owner: RootOwner, permissions = unused, name = 'root'): Promise<NodeEdge> {
    const edge = new Edge<BlockNode>(name, 'root', { backend: owner }, node, permissions);
    try {
      refuseInactive(node, edge);
      await this.usage.update([node]);
      return edge;
    } catch (error) {
      await this.detachRoot(edge);
      throw error;
    }
  }

  /** Uses a node for more than one moment, until {@link detachRoot}. @throws BlockError like {@link attachRoot} */
  attachPassing(node: BlockNode, permissions?: Permissions): Promise<NodeEdge> {
    return this.attachRoot(node, passing, permissions);
  }

  /** Takes a node from under a backend; it is closed when nothing else holds it. */
  async detachRoot(root: Child): Promise<void> {
    const node = this.namedNode(root.node.name);
    for (const edge of node.parents) if (edge === root) edge.cut();
    await this.letGo(node);
  }

  /**
   * Uses a node for a moment.
   *
   * @throws BlockError when others exclude that, and what `work` throws
   */
  async using<T>(node: BlockNode, permissions: Permissions, work: (root: Child) => Promise<T>): Promise<T> {
    const root = await this.attachPassing(node, permissions);
    try {
      return await work(root);
    } finally {
      await this.detachRoot(root);
    }
  }

  /** Keeps a node for a moment, in which it may come to be held by something; else it is closed afterwards. */
  async holding<T>(node: BlockNode, work: () => Promise<T>): Promise<T> {
    node.holds++;
    try {
      return await work();
    } finally {
      node.holds--;
      await this.release(node);
    }
  }

  /** Closes a node unless something holds it; else it keeps no more than its users need. */
  async letGo(node: BlockNode): Promise<void> {
    await this.release(node);
    if (!node.usable) return;
    try {
      await this.usage.update([node]);
    } catch (error) {
      this.host.warn(`Node '${node.name}' keeps its locks: ${blockErrorOf(error).message}`);
    }
  }

  /** Takes the medium out of a backend, when nothing is in flight any more; it is closed when nothing else holds it. */
  async detachMedium(device: Device): Promise<void> {
    const { root } = device;
    const medium = this.mediumOf(device);
    if (root === undefined || medium === undefined) return;
    await this.drained(medium, async () => {
      device.root = undefined;
      await this.detachRoot(root);
    });
  }

  /** Closes a node, and what is below it, unless something holds it. */
  async release(node: BlockNode): Promise<void> {
    if (node.held || this.#nodes.get(node.name) !== node) return;
    this.forget(node);
    await closeNode(this, node);
  }

  /**
   * Puts a node under another as its backing file. What was there before is left to the caller: {@link relink} lets go of it.
   *
   * @throws BlockError (ELOOP) when the overlay is below the node
   */
  link(overlay: BlockNode, backing: BlockNode): void {
    if (nodesBelow(backing).has(overlay)) {
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
      'stream',
    ]);
    backing.blockers.add(overlay.backingBlocker);
    this.#describe(overlay);
  }

  /** Takes the backing file from under an overlay. @returns what was there, which is left to the caller: {@link unlink} lets go of it */
  cutBacking(overlay: BlockNode): BlockNode | undefined {
    const edge = overlay.backing;
    if (edge === undefined) return undefined;
    const below = edge.node;
    below.blockers.remove(overlay.backingBlocker);
    overlay.backingBlocker = undefined;
    overlay.children.delete('backing');
    edge.cut();
    this.#describe(overlay);
    return below;
  }

  /** Takes the backing file from under an overlay; it is closed when nothing else holds it. */
  async unlink(overlay: BlockNode): Promise<void> {
    const below = this.cutBacking(overlay);
    if (below !== undefined) await this.letGo(below);
  }

  /**
   * Puts another backing file under an overlay; the one that was there is closed when nothing else holds it.
   *
   * @throws BlockError when users of it exclude that; nothing has changed then
   */
  async relink(overlay: BlockNode, backing: BlockNode | undefined): Promise<void> {
    const before = overlay.below;
    if (backing === undefined) return this.unlink(overlay);
    this.link(overlay, backing);
    try {
      await this.usage.update([overlay]);
    } catch (error) {
      if (before === undefined) await this.unlink(overlay);
      else this.link(overlay, before);
      throw error;
    }
    if (before !== undefined && before !== backing) await this.letGo(before);
  }

  /**
   * Puts one node where another is: everything that led to `from` leads to `to`, except what is below `to` itself, such as its own
   * backing edge, and jobs. The caller has drained both, and holds `from`, or it is closed.
   *
   * @throws BlockError when users of `to` exclude those of `from`; nothing has changed then
   */
  async replace(from: BlockNode, to: BlockNode): Promise<void> {
    if (from === to) return;
    const inside = nodesBelow(to);
    const moving = [...from.parents].filter((edge) => follows(edge, inside));
    for (const edge of moving) this.#move(edge, to);
    try {
      await this.usage.update([to, from]);
    } catch (error) {
      for (const edge of moving) this.#move(edge, from);
      throw error;
    }
    this.describeAbove(to);
    await this.release(from);
  }

  #move(edge: NodeEdge, to: BlockNode): void {
    const parent = 'node' in edge.owner ? edge.owner.node : undefined;
    if (parent !== undefined && edge.role === 'backing') this.link(parent, to);
    else edge.point(to);
  }

  /** Puts a new overlay on top of a node: it takes over whatever was above, and gets the node as its backing file. */
  async append(overlay: BlockNode, top: BlockNode): Promise<void> {
    await this.relink(overlay, top);
    await this.replace(top, overlay);
  }

  #describe(node: BlockNode): void {
    if (node.instance !== undefined) node.describe();
    this.describeAbove(node);
  }

  /** Makes the file names of all nodes above one anew. */
  describeAbove(node: BlockNode): void {
    const described = new Set([node]);
    for (const below of described) {
      for (const { owner } of below.parents) {
        if (!('node' in owner) || owner.node === undefined) continue;
        const parent = owner.node;
        // A node that is reached on several ways is described again after the last of them.
        described.delete(parent);
        described.add(parent);
        parent.describe();
      }
    }
  }

  /**
   * Runs work while nothing is in flight on a node and on what is below it: the backends above any of these hold new requests back.
   * A job ties its nodes together: where one of them is drained, all are.
   */
  async drained<T>(node: BlockNode, work: () => Promise<T>): Promise<T> {
    return drained(tiedNodes(nodesBelow(node)), work);
  }

  /** Runs work while nothing at all is in flight. */
  async drainedAll<T>(work: () => Promise<T>): Promise<T> {
    return drained(new Set(this.#nodes.values()), work);
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
