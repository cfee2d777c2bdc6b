import type { BlockDriver, BlockStatus, Child, DriverInstance, OpenContext } from '../driver.js';
import { ioError } from '../error.js';
import { everything } from '../permissions.js';
import { nameOfChild } from './shared/filter.js';

/**
 * The disk as it was when the `copy-before-write` node below was put in: what a backup reads while the disk is in use. Discarded
 * stretches are not kept any more.
 */
export const snapshotAccess: BlockDriver = {
  name: 'snapshot-access',
  kind: 'format',
  // It reads what the node below keeps for it, whatever is done to that node meanwhile.
  childPermissions: () => ({ uses: 0, shares: everything }),
  async open({ file }: OpenContext) {
    return new SnapshotAccessInstance(file);
  },
};

class SnapshotAccessInstance implements DriverInstance {
  readonly length: number;
  readonly #file: Child;

  constructor(file: Child) {
    this.#file = file;
    this.length = file.node.length;
  }

  get requestAlignment(): number {
    return this.#file.node.requestAlignment;
  }

  async read(offset: number, buffer: Uint8Array): Promise<void> {
    await this.#past.read(offset, buffer);
  }

  async write(): Promise<void> {
    throw ioError('ENOTSUP');
  }

  async discard(offset: number, length: number): Promise<void> {
    await this.#past.discard(offset, length);
  }

  async blockStatus(offset: number, length: number): Promise<BlockStatus> {
    return this.#past.blockStatus(offset, length);
  }

  exactFilename(): string | undefined {
    return nameOfChild(this.#file);
  }

  async close(): Promise<void> {}

  get #past() {
    const { past } = this.#file.node;
    if (past === undefined) throw ioError('ENOTSUP');
    return past;
  }
}
