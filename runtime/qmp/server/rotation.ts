/** Someone who has work that must not run beside the work of others. */
export interface Participant {
  /** Does one piece of work. Does not reject. */
  work(): Promise<void>;
  /** Whether there is more. */
  readonly ready: boolean;
}

/** Lets participants work one at a time, each one piece in its turn. */
export class Rotation {
  readonly #waiting = new Set<Participant>();
  #running = false;

  /** Puts a participant last in the line, unless it stands in it already. */
  enter(participant: Participant): void {
    this.#waiting.add(participant);
    if (!this.#running) void this.#run();
  }

  /** Takes a participant out of the line. */
  leave(participant: Participant): void {
    this.#waiting.delete(participant);
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (const participant of this.#waiting) {
      this.#waiting.delete(participant);
      if (!participant.ready) continue;
      await participant.work();
      // Adding it again puts it behind all others, where this loop meets it.
      if (participant.ready) this.#waiting.add(participant);
    }
    this.#running = false;
  }
}
