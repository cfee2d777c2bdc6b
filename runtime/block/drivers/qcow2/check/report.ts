/** Something that is wrong with an image. */
export interface Problem {
  /**
   * `corruption` endangers data, `leak` only takes space, and an `error` kept the check from being complete.
   */
  readonly kind: 'corruption' | 'leak' | 'error';
  readonly message: string;
}

/** What a check has found. */
export interface CheckResult {
  readonly corruptions: number;
  readonly leaks: number;
  readonly checkErrors: number;
  readonly corruptionsFixed: number;
  readonly leaksFixed: number;
  /** Clusters of the disk. */
  readonly totalClusters: number;
  /** Clusters of the disk that have a place in the file. */
  readonly allocatedClusters: number;
  /** Those of them that do not follow their predecessor in the file, or are compressed. */
  readonly fragmentedClusters: number;
  readonly compressedClusters: number;
  /** Bytes up to the end of the last cluster in use. */
  readonly imageEndOffset: number;
  /** The first of the problems; those that were repaired are not among them. */
  readonly problems: readonly Problem[];
}

/** A broken image has as many problems as clusters: more than these help no reader. */
const problemLimit = 1000;

/** Where the parts of a check put what they find. */
export class CheckReport {
  corruptions = 0;
  leaks = 0;
  checkErrors = 0;
  /** Corruptions that are wrong marks only: to be put right when the refcounts are. */
  wrongMarks = 0;
  allocatedClusters = 0;
  fragmentedClusters = 0;
  compressedClusters = 0;
  /** Corruptions that are records of snapshots which do not say all that they must. */
  incompleteSnapshots = 0;
  /** Refcounts cannot be corrected where they are: there must be new refcount blocks. */
  mustRebuild = false;
  readonly problems: Problem[] = [];

  corruption(message: string, times = 1): void {
    this.corruptions += times;
    this.#add('corruption', message);
  }

  wrongMark(message: string, times = 1): void {
    this.wrongMarks += times;
    this.corruption(message, times);
  }

  leak(message: string): void {
    this.leaks++;
    this.#add('leak', message);
  }

  error(message: string, times = 1): void {
    this.checkErrors += times;
    this.#add('error', message);
  }

  #add(kind: Problem['kind'], message: string): void {
    if (this.problems.length < problemLimit) this.problems.push({ kind, message });
  }
}
