/*
 * What the users of a node do with it, and what each lets others do meanwhile. Edges of the graph carry it; a file's driver makes
 * locks of it, which other processes see.
 */

/** What can be done to a node. Combined with `|`. The numbers are those of QEMU, whose image locks are made of them. */
export const Permission = {
  /** Reads that make sense: what is below a running commit, for instance, does not. */
  consistentRead: 1,
  write: 2,
  /** Writes that change nothing of what is read, as copy on read does. */
  writeUnchanged: 4,
  resize: 8,
} as const;

/** All of {@link Permission}. */
export const everything = 15;

/** What one user of a node, or all of them together, do with it and let others do. */
export interface Permissions {
  /** A set of {@link Permission}. */
  readonly uses: number;
  /** What others may do at the same time: a set of {@link Permission}. */
  readonly shares: number;
  /** What others may do to what the node stands on. Absent: the same. */
  readonly sharesBelow?: number;
}

/** A node that is not used: everything may be done with it. */
export const unused: Permissions = { uses: 0, shares: everything };

const names: readonly (readonly [number, string])[] = [
  [Permission.consistentRead, 'consistent read'],
  [Permission.write, 'write'],
  [Permission.writeUnchanged, 'write unchanged'],
  [Permission.resize, 'resize'],
];

/** Each permission of a set, with QEMU's name for it. */
export function namedPermissions(set: number): (readonly [number, string])[] {
  return names.filter(([permission]) => set & permission);
}

/** What several users do together, and all of them let others do. */
export function together(a: Permissions, b: Permissions): Permissions {
  return { uses: a.uses | b.uses, shares: a.shares & b.shares };
}

/** What the user of a whole disk does, such as a guest: another may read it and make it longer. */
export function ofGuest(readOnly: boolean): Permissions {
  const { consistentRead, write, writeUnchanged, resize } = Permission;
  return { uses: consistentRead | (readOnly ? 0 : write), shares: consistentRead | writeUnchanged | resize };
}

/** What a drive that has no guest does: others may do what they like, but for other processes, which find it used as by one. */
export function ofIdleDrive(readOnly: boolean): Permissions {
  const { uses, shares } = ofGuest(readOnly);
  return { uses, shares: everything, sharesBelow: shares };
}

/** The same where other guests may write, too. */
export function ofSharingGuest(readOnly: boolean): Permissions {
  const own = ofGuest(readOnly);
  return { ...own, shares: own.shares | Permission.write };
}

/** What an export of a node does: others may write, too, but its size stays. */
export function ofExport(readOnly: boolean): Permissions {
  const { consistentRead, write, resize } = Permission;
  return { uses: consistentRead | (readOnly ? 0 : write), shares: everything & ~resize };
}

/** What a format with metadata of its own does to its file, whatever is done to the image. */
export function ofFormat(own: Permissions, { writable, readsData }: ParentState): Permissions {
  const { consistentRead, write, resize } = Permission;
  return {
    uses: own.uses | (writable ? write | resize : 0) | (readsData ? consistentRead : 0),
    shares: own.shares & ~(write | resize),
  };
}

/** What the driver of a disk does to a file with nothing but data of it: its users may make that longer, but no other user may resize it. */
export function ofData(own: Permissions): Permissions {
  const { write, resize } = Permission;
  return { uses: own.uses | (own.uses & write ? resize : 0), shares: own.shares & ~resize };
}

/** What an overlay does to its backing file. Where the overlay may change, the backing file may. */
export function ofOverlay(own: Permissions): Permissions {
  const { consistentRead, write, writeUnchanged, resize } = Permission;
  return {
    uses: own.uses & consistentRead,
    shares: consistentRead | writeUnchanged | (own.shares & write ? write | resize : 0),
  };
}

/** The state of a node that has children. */
export interface ParentState {
  /** It is writable, or is about to be. */
  readonly writable: boolean;
  /** It was not opened for its header only. */
  readonly readsData: boolean;
  /** Something is above it. */
  readonly used: boolean;
  /** Its header is being changed. Default: `false`. */
  readonly amended?: boolean;
}

/** A change of what is done to a node, in two steps so that many nodes can change or none. */
export interface PermissionChange {
  /** Gives up what is not needed any more. Never fails. */
  commit(): Promise<void>;
  /** Gives up what was taken. Never fails. */
  abort(): Promise<void>;
}
