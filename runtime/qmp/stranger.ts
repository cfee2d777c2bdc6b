import { explain } from './explain.js';
import type { Wanted } from './stranger-kinds.js';

/** So much of what a peer sends first is looked at. */
const LOOKED_AT = 256;

/** A peer that has not opened a conversation as it should, yet. */
export class Stranger {
  readonly wanted: Wanted;
  /** The first of what it has sent. */
  heard: Buffer = Buffer.alloc(0);

  constructor(wanted: Wanted) {
    this.wanted = wanted;
  }

  /** Remembers what came, as far as it is looked at, and finds out what the peer is, worded to stand behind its name. */
  hear(chunk: Buffer): Promise<string | undefined> {
    this.heard = Buffer.concat([this.heard, chunk]).subarray(0, LOOKED_AT);
    return explain(({ identify }) => identify(this));
  }

  /** Whether it has sent anything but white space. */
  get spoke(): boolean {
    return String(this.heard).trim() !== '';
  }
}
