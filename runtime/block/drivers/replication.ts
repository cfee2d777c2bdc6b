import { ReplicationMode } from '../../../generated/index.js';
import type { ReplicatedDisk, ReplicationStage } from '../abilities.js';
import type { BlockDriver, Child, OpenContext } from '../driver.js';
import { invalid, ioError } from '../error.js';
import { belowFilters } from '../io/status.js';
import { everything, Permission, type Permissions } from '../permissions.js';
import { FilterInstance, filterTraits } from './shared/filter.js';

/**
 * One side of a disk that two machines have, of which the second can take over at any time. The primary side sends writes to the other machine; the
 * secondary side is `file`, an overlay (*active disk*) over an overlay (*hidden disk*) over the disk that the primary writes to.
 *
 * Until replication begins, and on the primary side after it, all requests fail.
 *
 * Options: `mode`; `top-id` (secondary side): the root above this node.
 */
export const replication: BlockDriver = {
  ...filterTraits,
  name: 'replication',
  /** What is below the overlay is written by the primary, whatever the guest's device shares. */
  childPermissions({ uses }: Permissions): Permissions {
    const { consistentRead, resize, write } = Permission;
    return { uses: consistentRead | (uses & write), shares: everything & ~resize };
  },
  async open({ options, file }: OpenContext) {
    const mode = options.takeEnum('mode', ReplicationMode);
    const top = options.takeString('top-id');
    if (mode === undefined) throw invalid("Parameter 'mode' is missing");
    if (mode === 'primary' && top !== undefined) throw invalid("The primary side does not support option 'top-id'");
    if (mode === 'secondary' && top === undefined) throw invalid("Missing the option 'top-id'");
    return mode === 'primary' ? new PrimarySide(file) : new SecondarySide(file, top ?? '');
  },
};

/** Discards are not handed on: what they leave is not the same on both sides. */
abstract class Side extends FilterInstance implements ReplicatedDisk {
  abstract readonly mode: ReplicationMode;
  readonly top: string | undefined;
  stage: ReplicationStage = 'none';
  broken = false;
  end: (() => Promise<void>) | undefined;

  get replication(): ReplicatedDisk {
    return this;
  }

  override async discard(): Promise<void> {}

  effectiveOptions(): { readonly [key: string]: string } {
    return { mode: this.mode, ...(this.top !== undefined && { 'top-id': this.top }) };
  }

  override async close(): Promise<void> {
    await this.end?.();
  }
}

/** Hands writes on. What becomes of them does not concern the guest, but is remembered. */
class PrimarySide extends Side {
  readonly mode = 'primary';

  /** A quorum above reads from the machine's own disk. */
  override async read(): Promise<void> {
    throw ioError('EIO');
  }

  override write(offset: number, data: Uint8Array, flags: number): Promise<void> {
    return this.#sent(() => this.file.write(offset, data, flags));
  }

  override writeZeroes(offset: number, length: number, flags: number): Promise<void> {
    return this.#sent(() => this.file.writeZeroes(offset, length, flags));
  }

  async #sent(write: () => Promise<void>): Promise<void> {
    if (this.stage !== 'running') throw ioError('EIO');
    try {
      await write();
    } catch {
      this.broken = true;
    }
  }
}

class SecondarySide extends Side {
  readonly mode = 'secondary';
  override readonly top: string;

  constructor(file: Child, top: string) {
    super(file);
    this.top = top;
  }

  override async read(offset: number, buffer: Uint8Array, flags: number): Promise<void> {
    this.#begun();
    await this.file.read(offset, buffer, flags);
  }

  override async write(offset: number, data: Uint8Array, flags: number): Promise<void> {
    await this.#placed(offset, data.length, (into, at, length) =>
      into.write(at, data.subarray(at - offset, at - offset + length), flags),
    );
  }

  override async writeZeroes(offset: number, length: number, flags: number): Promise<void> {
    await this.#placed(offset, length, (into, at, part) => into.writeZeroes(at, part, flags));
  }

  #begun(): void {
    if (this.stage === 'none') throw ioError('EIO');
  }

  /** Guests write to the active disk. When the overlays could not be committed, they grow no more: what they do not have is written below them. */
  async #placed(
    offset: number,
    length: number,
    write: (into: Child, offset: number, length: number) => Promise<void>,
  ): Promise<void> {
    this.#begun();
    if (this.stage !== 'failover-failed') return write(this.file, offset, length);
    const hidden = belowFilters(this.file).node.backing;
    const secondary = hidden?.node.backing;
    for (let at = offset; at < offset + length; ) {
      const active = await this.file.blockStatus(at, offset + length - at);
      const above = active.allocated || hidden === undefined ? active : await hidden.blockStatus(at, active.length);
      await write(above.allocated || secondary === undefined ? this.file : secondary, at, above.length);
      at += above.length;
    }
  }
}
