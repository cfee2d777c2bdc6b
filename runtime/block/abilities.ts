/* What some drivers' nodes can do beside reading and writing: parts of the contract in driver.ts that few drivers implement. */

import type { BlkdebugEvent, ReplicationMode, SnapshotInfo } from '../../generated/index.js';

/** A place in a throttle group. */
export interface ThrottlePlace {
  /** @returns nothing when the request may go at once; else what resolves when it may */
  admit(direction: 'read' | 'write', bytes: number): Promise<void> | undefined;
  /** Lets all go at once that waits. */
  letGo(): void;
  leave(): void;
}

/** Holds up requests that announce something, so that tests can look at what happens meanwhile. */
export interface DebugBreakpoints {
  /** The next request that announces an event is held up, under a tag. */
  add(event: BlkdebugEvent, tag: string): void;
  /** Removes the breakpoints of a tag, and lets go what they hold up. @returns whether there was something */
  remove(tag: string): boolean;
  /** Lets the first request of a tag go. @returns whether there was one */
  resume(tag: string): boolean;
  /** Resolves when a request is held up under a tag. */
  held(tag: string): Promise<void>;
}

/** The snapshots inside an image. */
export interface InternalSnapshots {
  list(): readonly SnapshotInfo[];
  /** Takes a snapshot. Nothing is written meanwhile. */
  create?(snapshot: SnapshotInfo): Promise<void>;
  /** Deletes the snapshot with this id. */
  delete?(id: string): Promise<void>;
}

/** How far the replication of a disk is. After a failover the disk is one like others: `done`, unless what the overlays have could not be committed. */
export type ReplicationStage = 'none' | 'running' | 'failover' | 'failover-failed' | 'done';

/** One side of a disk that is replicated to another machine. What begins and ends that sets its stage. */
export interface ReplicatedDisk {
  readonly mode: ReplicationMode;
  /** Secondary side: the node-name or device of the root above it. */
  readonly top: string | undefined;
  stage: ReplicationStage;
  /** A write of the primary side has failed. */
  broken: boolean;
  /** Ends what goes on for it. Called when the node is closed. */
  end: (() => Promise<void>) | undefined;
}

/** A bitmap that an image keeps. */
export interface KeptBitmap {
  readonly name: string;
  /** Bytes of a granule, a power of two. */
  readonly granularity: number;
  /** It records what is written. */
  readonly recording: boolean;
  /** Its image was changed and then not closed: what was dirty is not known. */
  readonly inconsistent: boolean;
}

/** A bitmap as it is to be kept. */
export interface BitmapContents extends KeptBitmap {
  /** What is dirty, in bytes of the disk and in order. Nothing changes while this is iterated. */
  runs(): Iterable<{ readonly offset: number; readonly length: number }>;
}

/** The persistent bitmaps of an image. */
export interface PersistentBitmaps {
  /** Those that the image keeps. */
  readonly kept: readonly KeptBitmap[];
  /**
   * Reads a bitmap that is consistent.
   *
   * @param dirty called with each stretch that is dirty, in bytes of the disk; the last may reach beyond its end
   * @returns whether it could be read; from then on it is inconsistent otherwise
   */
  load(name: string, dirty: (offset: number, length: number) => void): Promise<boolean>;
  /** What is to be kept comes from here, whenever the image is closed or becomes read-only. */
  keepFrom(contents: () => Iterable<BitmapContents>): void;
  /** Bitmaps are about to be changed without the image being written: after a crash they are inconsistent. @throws BlockError */
  beforeChange(): Promise<void>;
  /** @throws BlockError when the image cannot keep one more bitmap like this */
  checkRoom(name: string, granularity: number): void;
  /** Removes a bitmap from the image at once, if it is there. @throws BlockError */
  remove(name: string): Promise<void>;
}
