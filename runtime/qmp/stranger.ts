import { explain } from './explain.js';
import type { Peer, Wanted } from './stranger-kinds.js';

/** So much of what a peer sends first is looked at. */
const LOOKED_AT = 256;

/** Listens to a peer until it has opened a conversation as it should. */
export class Stranger implements Peer {
  readonly wanted: Wanted;
  heard: Buffer = Buffer.alloc(0);

  constructor(wanted: Wanted) {
    this.wanted = wanted;
  }

  /** Remembers what came, as far as it is looked at, and finds out what the peer is, worded to stand behind its name. */
  hear(chunk: Buffer): Promise<string | undefined> {
    this.heard = Buffer.concat([this.heard, chunk]).subarray(0, LOOKED_AT);
    return explain(({ identify }) => identify(this));
  }

  get spoke(): boolean {
    return String(this.heard).trim() !== '';
  }
}
