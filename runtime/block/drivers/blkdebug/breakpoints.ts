import type { BlkdebugEvent } from '../../../../generated/index.js';
import type { DebugBreakpoints } from '../../abilities.js';

interface Held {
  readonly tag: string;
  go(): void;
}

/** Holds up requests: that which follows an event for which there is a breakpoint waits until it is let go. */
export class Breakpoints implements DebugBreakpoints {
  #set: { readonly event: BlkdebugEvent; readonly tag: string }[] = [];
  /** The tags under which the next request is held up: its event has just been announced. */
  #next: string[] = [];
  #held: Held[] = [];
  #waiting: { readonly tag: string; readonly go: () => void }[] = [];

  add(event: BlkdebugEvent, tag: string): void {
    this.#set.push({ event, tag });
  }

  remove(tag: string): boolean {
    const before = this.#set.length;
    this.#set = this.#set.filter((each) => each.tag !== tag);
    const held = this.#held.filter((each) => each.tag === tag);
    for (const { go } of held) go();
    return held.length > 0 || this.#set.length < before;
  }

  resume(tag: string): boolean {
    const found = this.#held.find((each) => each.tag === tag);
    found?.go();
    return found !== undefined;
  }

  async held(tag: string): Promise<void> {
    if (this.#held.some((each) => each.tag === tag)) return;
    await new Promise<void>((go) => this.#waiting.push({ tag, go }));
  }

  /** Something announces an event; a breakpoint for it is used up. */
  announce(event: BlkdebugEvent): void {
    if (this.#set.length === 0) return;
    const index = this.#set.findIndex((each) => each.event === event);
    const [met] = index < 0 ? [] : this.#set.splice(index, 1);
    if (met !== undefined) this.#next.push(met.tag);
  }

  /** Holds up a request that has met a breakpoint. Absent: it has met none. */
  pass(): Promise<void> | undefined {
    if (this.#next.length === 0) return undefined;
    const tags = this.#next;
    this.#next = [];
    return this.#hold(tags);
  }

  async #hold(tags: readonly string[]): Promise<void> {
    for (const tag of tags) {
      await new Promise<void>((resolve) => {
        const held: Held = {
          tag,
          go: () => {
            this.#held = this.#held.filter((each) => each !== held);
            resolve();
          },
        };
        this.#held.push(held);
        const awaited = this.#waiting.filter((each) => each.tag === tag);
        this.#waiting = this.#waiting.filter((each) => each.tag !== tag);
        for (const { go } of awaited) go();
      });
    }
  }
}
