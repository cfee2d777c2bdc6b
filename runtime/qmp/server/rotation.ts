/** Someone who has work that must not run beside the work of others. */
export interface Participant {
  /** Does one piece of work; a promise, which does not reject, when it takes time. */
  work(): Promise<void> | undefined;
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
    if (!this.#running) this.#run();
  }

  /** Takes a participant out of the line. */
  leave(participant: Participant): void {
    this.#waiting.delete(participant);
  }

  #run(): void {
    this.#running = true;
    for (const participant of this.#waiting) {
      this.#waiting.delete(participant);
      if (!participant.ready) continue;
      const work = participant.work();
      if (work) {
        void work.then(() => {
          this.#next(participant);
          this.#run();
        });
        return;
      }
      this.#next(participant);
    }
    this.#running = false;
  }

  /** Puts who has more work behind all others, where the loop meets it. */
  #next(participant: Participant): void {
    if (participant.ready) this.#waiting.add(participant);
  }
}
