import type { BlkdebugEvent } from '../../../generated/index.js';
import type { BlockStatus, Child, ChildRole, NodeView } from '../../../runtime/block/driver.js';
import { resized } from './resized.js';

/** Something that was done to a {@link MemoryChild}, in order. */
export type MemoryStep =
  | { readonly kind: 'write'; readonly offset: number; readonly data: Uint8Array }
  | { readonly kind: 'flush' }
  | { readonly kind: 'discard'; readonly offset: number; readonly length: number }
  | { readonly kind: 'truncate'; readonly size: number };

/** A child for tests of one driver: its contents are in memory, what is done to it is logged, and it can be made to fail. */
export class MemoryChild implements Child {
  readonly name: string;
  readonly role: ChildRole;
  readonly node: NodeView;
  bytes: Uint8Array;
  readonly steps: MemoryStep[] = [];
  readonly events: BlkdebugEvent[] = [];
  /** Called before each request; throws to make it fail. */
  onRequest: (kind: 'read' | MemoryStep['kind'], offset: number, length: number) => void = () => {};

  constructor(bytes: Uint8Array = new Uint8Array(0), name = 'file', node: Partial<NodeView> = {}) {
    this.bytes = bytes;
    this.name = name;
    this.role = name === 'backing' ? 'backing' : 'protocol';
    const child = this;
    this.node = {
      name: '#memory',
      flags: { readOnly: false, direct: false, noFlush: false, unmap: true },
      filename: 'memory',
      children: new Map(),
      backing: undefined,
      under: undefined,
      requestAlignment: 1,
      deviceOrNodeName: '#memory',
      deviceName: '',
      driver: { name: 'memory', kind: 'protocol', open: () => Promise.reject(new Error('is open')) },
      ...node,
      get length() {
        return child.bytes.length;
      },
    };
  }

  async read(offset: number, buffer: Uint8Array): Promise<void> {
    this.onRequest('read', offset, buffer.length);
    const there = this.bytes.subarray(offset, offset + buffer.length);
    buffer.set(there);
    buffer.fill(0, there.length);
    await this.#later();
  }

  async write(offset: number, data: Uint8Array): Promise<void> {
    this.onRequest('write', offset, data.length);
    const end = offset + data.length;
    if (end > this.bytes.length) this.bytes = resized(this.bytes, end);
    this.bytes.set(data, offset);
    this.steps.push({ kind: 'write', offset, data: data.slice() });
    await this.#later();
  }

  writeZeroes(offset: number, length: number): Promise<void> {
    return this.write(offset, new Uint8Array(length));
  }

  async discard(offset: number, length: number): Promise<void> {
    this.onRequest('discard', offset, length);
    this.bytes.fill(0, offset, offset + length);
    this.steps.push({ kind: 'discard', offset, length });
    await this.#later();
  }

  async flush(): Promise<void> {
    this.onRequest('flush', 0, 0);
    this.steps.push({ kind: 'flush' });
    await this.#later();
  }

  async truncate(size: number): Promise<void> {
    this.onRequest('truncate', size, 0);
    this.steps.push({ kind: 'truncate', size });
    this.bytes = resized(this.bytes, size);
    await this.#later();
  }

  async blockStatus(offset: number, length: number): Promise<BlockStatus> {
    return { length, allocated: true, data: true, zero: false, offset };
  }

  debug(event: BlkdebugEvent): void {
    this.events.push(event);
  }

  /** Lets requests overtake each other, as on a real disk. */
  #later(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }
}
