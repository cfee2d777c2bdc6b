/** What can be done to a node, where others may forbid it. */
export const operations = [
  'backup-source',
  'backup-target',
  'change',
  'commit-source',
  'commit-target',
  'dataplane',
  'drive-del',
  'eject',
  'external-snapshot',
  'internal-snapshot',
  'internal-snapshot-delete',
  'mirror-source',
  'mirror-target',
  'resize',
  'stream',
  'replace',
] as const;

/** One of {@link operations}. */
export type Operation = (typeof operations)[number];

/** A user of a node that forbids operations on it as long as it needs the node as it is. */
export interface Blocker {
  readonly reason: string;
  readonly operations: ReadonlySet<Operation>;
}

/** A blocker of everything but a few operations. */
export function blockerExcept(reason: string, allowed: readonly Operation[]): Blocker {
  return { reason, operations: new Set(operations.filter((operation) => !allowed.includes(operation))) };
}

/** The operations that are forbidden on a node, and what forbids each. */
export class OperationBlockers {
  readonly #blockers = new Set<Blocker>();

  add(blocker: Blocker): void {
    this.#blockers.add(blocker);
  }

  remove(blocker: Blocker | undefined): void {
    if (blocker) this.#blockers.delete(blocker);
  }

  /** Why an operation is forbidden; nothing when it is not. The first who forbade it has the word. */
  reason(operation: Operation): string | undefined {
    for (const blocker of this.#blockers) if (blocker.operations.has(operation)) return blocker.reason;
    return undefined;
  }
}
