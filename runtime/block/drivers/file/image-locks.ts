import type { Stats } from 'node:fs';
import type { OnOffAuto } from '../../../../generated/index.js';
import { BlockError, blockErrorOf, errnoOf } from '../../error.js';
import {
  everything,
  namedPermissions,
  type PermissionChange,
  type Permissions,
  together,
  unused,
} from '../../permissions.js';
import type { NativeCalls } from './native.js';

/** The byte of an image that is locked when a permission is used, or is not shared; counted on by the permission's bit. */
const usedBase = 100;
const unsharedBase = 200;

/** The locks of this process by what they are on: they are found also where the system cannot lock. */
const here = new Map<string, Set<ImageLocks>>();

/** What locks are made with. */
export interface LockRequest {
  /** What messages call the image. */
  readonly path: string;
  readonly locking: OnOffAuto;
  readonly readOnly: boolean;
  /** Absent: the system cannot lock. */
  readonly native: Pick<NativeCalls, 'lockByte' | 'isLocked'> | undefined;
}

/**
 * What an open image is used for, shown to others who open it: as locks on single bytes of it, which QEMU's programs take and
 * respect, too, and to this process. The locks go when the file is closed.
 */
export class ImageLocks {
  readonly #path: string;
  readonly #locking: OnOffAuto;
  readonly #native: LockRequest['native'];
  readonly #others: Set<ImageLocks>;
  readonly #key: string;
  #fd: number;
  #held: Permissions = unused;
  /** This file system has no such locks. */
  #impossible = false;

  /** @throws BlockError (ENOTSUP) when the image is to be written, or `locking` is `on`, and the system cannot lock */
  constructor(request: LockRequest, fd: number, stats: Stats) {
    refuseUnlockable(request);
    const { path, locking, native } = request;
    this.#path = path;
    this.#locking = locking;
    this.#native = native;
    this.#fd = fd;
    this.#key = stats.isBlockDevice() ? `device ${stats.rdev}` : `${stats.dev}:${stats.ino}`;
    this.#others = here.get(this.#key) ?? new Set();
    if (locking === 'off') return;
    here.set(this.#key, this.#others);
    this.#others.add(this);
  }

  /**
   * Takes what is wanted, besides what is held, until the change is committed or aborted.
   *
   * @throws BlockError (EAGAIN) when another user excludes it; nothing has changed then
   */
  async prepare(wanted: Permissions): Promise<PermissionChange> {
    const before = this.#held;
    const abort = (): Promise<void> => this.#shrink(before);
    if (this.#locking === 'off') return { commit: async () => {}, abort: async () => {} };
    try {
      this.#held = together(before, wanted);
      this.#refuseHere(wanted);
      await this.#lock(this.#fd, this.#held, before);
      await this.#refuseElsewhere(wanted);
    } catch (error) {
      await abort();
      throw error;
    }
    return { commit: () => this.#shrink(wanted), abort };
  }

  /** Holds the same on another open file description of the image. @throws BlockError */
  async copyTo(fd: number): Promise<void> {
    await this.#lock(fd, this.#held, unused);
  }

  /** The image is used through another open file description from now on, to which the locks have been copied. */
  moveTo(fd: number): void {
    this.#fd = fd;
  }

  /** The image is closed, or about to be. */
  forget(): void {
    this.#others.delete(this);
    if (this.#others.size === 0 && here.get(this.#key) === this.#others) here.delete(this.#key);
  }

  #refuseHere(wanted: Permissions): void {
    for (const other of this.#others) {
      if (other === this) continue;
      this.#refuse(wanted.uses & ~other.#held.shares, '');
      this.#refuse(other.#held.uses & ~wanted.shares, 'shared ');
    }
  }

  async #refuseElsewhere(wanted: Permissions): Promise<void> {
    const native = this.#native;
    if (native === undefined || this.#impossible) return;
    const taken = async (set: number, base: number): Promise<number> => {
      let found = 0;
      for (const [permission] of namedPermissions(set)) {
        if (await native.isLocked(this.#fd, base + Math.log2(permission))) found |= permission;
      }
      return found;
    };
    this.#refuse(await taken(wanted.uses, unsharedBase), '');
    this.#refuse(await taken(everything & ~wanted.shares, usedBase), 'shared ');
  }

  #refuse(conflicts: number, kind: 'shared ' | ''): void {
    const [conflict] = namedPermissions(conflicts);
    if (conflict === undefined) return;
    throw new BlockError(
      `Failed to get ${kind}"${conflict[1]}" lock. Is another process using the image [${this.#path}]?`,
      { code: 'EAGAIN' },
    );
  }

  /** Locks the bytes of what is to be held and is not yet. */
  async #lock(fd: number, wanted: Permissions, held: Permissions): Promise<void> {
    const native = this.#native;
    if (native === undefined || this.#locking === 'off') return;
    const had = new Set(bytesOf(held));
    for (const byte of bytesOf(wanted)) {
      if (had.has(byte) || this.#impossible) continue;
      try {
        await native.lockByte(fd, byte, true);
      } catch (error) {
        if (this.#locking === 'auto' && ['ENOTSUP', 'EINVAL', 'ENOLCK'].includes(errnoOf(error))) {
          this.#impossible = true;
          return;
        }
        throw blockErrorOf(error, `Failed to lock byte ${byte} of '${this.#path}'`);
      }
    }
  }

  /** Unlocks what is held beyond what is to be kept. */
  async #shrink(kept: Permissions): Promise<void> {
    const keep = new Set(bytesOf(kept));
    const drop = bytesOf(this.#held).filter((byte) => !keep.has(byte));
    this.#held = kept;
    if (this.#native === undefined || this.#impossible) return;
    // A lock that stays keeps others out, and destroys nothing.
    for (const byte of drop) await this.#native.lockByte(this.#fd, byte, false).catch(() => {});
  }
}

/** @throws BlockError (ENOTSUP) when an image that is to be written cannot be locked, and that was not asked for */
export function refuseUnlockable({ path, locking, readOnly, native }: LockRequest): void {
  if (native !== undefined || locking === 'off' || (readOnly && locking === 'auto')) return;
  throw new BlockError(
    `Could not open '${path}': it cannot be locked against other programs without Linux and the package 'koffi'; ` +
      `npm install koffi, or say file.locking=off${readOnly ? '' : ' (or read-only=on)'}`,
    { code: 'ENOTSUP' },
  );
}

function bytesOf({ uses, shares }: Permissions): number[] {
  const bytes = (set: number, base: number) => namedPermissions(set).map(([bit]) => base + Math.log2(bit));
  return [...bytes(uses, usedBase), ...bytes(everything & ~shares, unsharedBase)];
}
