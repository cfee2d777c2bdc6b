import type { BlkdebugEvent } from '../../../generated/index.js';
import type { JsonValue } from '../../json/value.js';
import type { BlockStatus, Child, ChildRole, NodeView } from '../driver.js';
import type { NodeRequests } from '../io/requests.js';
import { type Permissions, unused } from '../permissions.js';

/**
 * Counts the edges of one graph that were made, cut or moved: what was found by walking along edges holds as long as the count
 * stays the same.
 */
export interface EdgeChanges {
  count: number;
}

/** What an edge needs of the nodes at its ends, `Node` being the class of all nodes of the graph. */
export interface EdgeEnd<Node extends EdgeEnd<Node>> extends NodeView {
  readonly requests: NodeRequests;
  readonly parents: Set<Edge<Node>>;
  readonly options: JsonValue;
  /** Of the graph that the node is in. */
  readonly edgeChanges: EdgeChanges;
  statusHere(offset: number, length: number): Promise<BlockStatus>;
  announced(event: BlkdebugEvent): void;
}

/** A user of a node outside of the graph, through an edge of the role `root`: a backend. */
export interface EdgeUser<Node> {
  /** The backend's name; empty for anonymous ones. */
  readonly name: string;
  /** What messages call it. Absent: by its name. */
  readonly title?: string;
  /**
   * Holds back new requests, lets throttled ones go at once, and resolves when none is in flight. Calls nest.
   */
  drainBegin(): Promise<void>;
  drainEnd(): void;
  /** The edges of a user that has several, and that does to one node what it finds at another: a job. Absent: it has one. */
  readonly roots?: Iterable<{ readonly node: Node }>;
  /** Its node may be inactive: it makes no requests meanwhile. Default: those of its users that have a name may be. */
  readonly allowsInactive?: boolean | undefined;
}

/** What is above an edge: a node, absent while it is only being opened and has no name yet, or a backend. */
export type EdgeOwner<Node> = { readonly node: Node | undefined } | { readonly backend: EdgeUser<Node> };

/** An edge of the graph. The graph may put another node below it at any time between requests. */
export class Edge<Node extends EdgeEnd<Node>> implements Child {
  readonly name: string;
  readonly role: ChildRole;
  readonly owner: EdgeOwner<Node>;
  /** What a backend does to its node. What a node does to another follows from what is done to it. */
  permissions: Permissions;
  #node: Node;

  constructor(name: string, role: ChildRole, owner: EdgeOwner<Node>, node: Node, permissions = unused) {
    this.name = name;
    this.role = role;
    this.owner = owner;
    this.#node = node;
    this.permissions = permissions;
    node.parents.add(this);
    node.edgeChanges.count++;
  }

  get node(): Node {
    return this.#node;
  }

  /** Leads to another node from now on. */
  point(node: Node): void {
    this.#node.parents.delete(this);
    this.#node = node;
    node.parents.add(this);
    node.edgeChanges.count++;
  }

  /** Leads nowhere any more; the owner forgets it. */
  cut(): void {
    this.#node.parents.delete(this);
    this.#node.edgeChanges.count++;
  }

  read(offset: number, buffer: Uint8Array, flags?: number): Promise<void> {
    return this.#node.requests.read(offset, buffer, flags);
  }

  write(offset: number, data: Uint8Array, flags?: number): Promise<void> {
    return this.#node.requests.write(offset, data, flags);
  }

  writeZeroes(offset: number, length: number, flags?: number): Promise<void> {
    return this.#node.requests.writeZeroes(offset, length, flags);
  }

  discard(offset: number, length: number): Promise<void> {
    return this.#node.requests.discard(offset, length);
  }

  flush(): Promise<void> {
    return this.#node.requests.flush();
  }

  truncate(size: number): Promise<void> {
    return this.#node.requests.truncate(size);
  }

  blockStatus(offset: number, length: number): Promise<BlockStatus> {
    return this.#node.statusHere(offset, length);
  }

  debug(event: BlkdebugEvent): void {
    this.#node.announced(event);
  }
}
