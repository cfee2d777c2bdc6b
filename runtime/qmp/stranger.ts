import { explain } from './explain.js';
import type { Wanted } from './stranger-kinds.js';

/** So much of what a peer sends first is looked at. */
const LOOKED_AT = 256;

/** So much of it is quoted. */
const QUOTED = 60;

/** What a peer sends before it has opened a conversation as it should. */
export class Stranger {
  readonly #wanted: Wanted;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(wanted: Wanted) {
    this.#wanted = wanted;
  }

  /** Remembers what came, as far as it is looked at, and finds out what the peer is, worded to stand behind its name. */
  hear(chunk: Buffer): Promise<string | undefined> {
    if (this.#bytes.length < LOOKED_AT) this.#bytes = Buffer.concat([this.#bytes, chunk]).subarray(0, LOOKED_AT);
    return explain(({ identify }) => identify(this.#bytes, this.quoted, this.#wanted));
  }

  /** Whether it has sent anything but white space. */
  get spoke(): boolean {
    return this.quoted !== "''";
  }

  /** What it sent, in quotes, as it can be shown. */
  get quoted(): string {
    const text = this.#bytes.toString('utf8').trim();
    const shown = text.slice(0, QUOTED).replace(/[\p{Cc}\uFFFD]+/gu, (found) => (found.trim() === '' ? ' ' : '…'));
    return `'${shown}${text.length > QUOTED ? '…' : ''}'`;
  }
}
