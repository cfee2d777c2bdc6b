import type { BlockStatus, Child, DriverInstance, NodeFlags, PastView, Reopening } from '../../driver.js';
import type { DriverInfo } from '../../driver-info.js';
import type { BlockOptions } from '../../options.js';
import type { Permissions } from '../../permissions.js';
import { RequestFlag } from '../../request-flag.js';
import { nothingToSwitch } from './reopening.js';

/** What all filters have in common: the disk is that of the child `file`. */
export const filterTraits = {
  kind: 'format',
  filter: true,
  /** A filter does to its child what is done to it. */
  childPermissions: (own: Permissions): Permissions => own,
} as const;

/** The name of the child, for a node that has no name of its own. Absent: the child has none but its options either. */
export function nameOfChild({ node: { filename } }: Child): string | undefined {
  return filename.startsWith('json:') ? undefined : filename;
}

/** Hands all requests on to its child. A filter overrides what it does differently. */
export class FilterInstance implements DriverInstance {
  /** They are handed on. */
  readonly writeFlags: number = RequestFlag.fua | RequestFlag.mayUnmap;
  readonly file: Child;

  constructor(file: Child) {
    this.file = file;
  }

  get info(): DriverInfo | undefined {
    return this.file.node.info;
  }

  get length(): number {
    return this.file.node.length;
  }

  get requestAlignment(): number {
    return this.file.node.requestAlignment;
  }

  get past(): PastView | undefined {
    return this.file.node.past;
  }

  read(offset: number, buffer: Uint8Array, flags: number): Promise<void> {
    return this.file.read(offset, buffer, flags);
  }

  write(offset: number, data: Uint8Array, flags: number): Promise<void> {
    return this.file.write(offset, data, flags);
  }

  writeZeroes(offset: number, length: number, flags: number): Promise<void> {
    return this.file.writeZeroes(offset, length, flags);
  }

  discard(offset: number, length: number): Promise<void> {
    return this.file.discard(offset, length);
  }

  async blockStatus(offset: number, length: number): Promise<BlockStatus> {
    const { file } = this;
    return { ...(await file.blockStatus(offset, length)), offset, file };
  }

  truncate(size: number): Promise<void> {
    return this.file.truncate(size);
  }

  async prepareReopen(_flags: NodeFlags, _options?: BlockOptions): Promise<Reopening> {
    return nothingToSwitch;
  }

  async close(): Promise<void> {}
}
