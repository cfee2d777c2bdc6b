import type { HostOffset } from '../format/units.js';
import { ClusterKind, nowhere, type Run } from '../map/run.js';
import { discards } from '../space/free.js';
import type { Image } from '../space/image.js';

/** Places in the file that discarded clusters keep (`discard-no-unref`), whose data may go from the file. */
export class KeptPlaces {
  readonly #image: Image;
  readonly #places: { readonly offset: HostOffset; length: number }[] = [];

  constructor(image: Image) {
    this.#image = image;
  }

  /**
   * Whether a cluster that is discarded keeps its place; if so, its data goes with {@link discard}. A cluster that a snapshot has,
   * too, keeps none: its data is not this disk's alone.
   */
  keeps({ kind, host, copied }: Run): boolean {
    const { settings, external, clusterSize } = this.#image;
    if (!settings.keepsDiscarded || kind === ClusterKind.compressed || host === nowhere || !copied) return false;
    // What becomes of a data file is the same whether entries lead to it or not.
    if (external) return true;
    const last = this.#places.at(-1);
    if (last !== undefined && last.offset + last.length === host) last.length += clusterSize;
    else this.#places.push({ offset: host, length: clusterSize });
    return true;
  }

  /** Discards in the file what is at the places, if discards are to get there. The caller holds the lock: nothing is written there. */
  async discard(): Promise<void> {
    const image = this.#image;
    if (this.#places.length === 0 || !discards(image, 'request')) return;
    // What was looked up before the entries changed is written first.
    await image.grace.elapse();
    // A file that cannot make use of it, or fails to, does no harm.
    for (const { offset, length } of this.#places) await image.file.discard(offset, length).catch(() => {});
  }
}
