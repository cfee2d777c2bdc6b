import type { BlkdebugEvent } from '../../../generated/index.js';
import type { JsonValue } from '../../json/value.js';
import type { BlockStatus, Child, ChildRole, NodeView, RootOwner } from '../driver.js';
import type { NodeRequests } from '../io/requests.js';

/** What an edge needs of the node that it leads to. */
export interface EdgeTarget extends NodeView {
  readonly requests: NodeRequests;
  readonly parents: Set<Edge>;
  readonly options: JsonValue;
  statusHere(offset: number, length: number): Promise<BlockStatus>;
  announced(event: BlkdebugEvent): void;
}

/** What is above an edge: a node, absent while it is only being opened and has no name yet, or a backend. */
export type EdgeOwner = { readonly node: EdgeTarget | undefined } | { readonly backend: RootOwner };

let changes = 0;

/** Goes up whenever any edge is made, cut or moved: what was found out by walking along edges holds as long as it stays the same. */
export function edgeChanges(): number {
  return changes;
}

/** An edge of the graph. The graph may put another node below it at any time between requests. */
export class Edge implements Child {
  readonly name: string;
  readonly role: ChildRole;
  readonly owner: EdgeOwner;
  #node: EdgeTarget;

  constructor(name: string, role: ChildRole, owner: EdgeOwner, node: EdgeTarget) {
    this.name = name;
    this.role = role;
    this.owner = owner;
    this.#node = node;
    node.parents.add(this);
    changes++;
  }

  get node(): EdgeTarget {
    return this.#node;
  }

  /** Leads to another node from now on. */
  point(node: EdgeTarget): void {
    this.#node.parents.delete(this);
    this.#node = node;
    node.parents.add(this);
    changes++;
  }

  /** Leads nowhere any more; the owner forgets it. */
  cut(): void {
    this.#node.parents.delete(this);
    changes++;
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
