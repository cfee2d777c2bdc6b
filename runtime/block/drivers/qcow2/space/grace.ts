/** Requests that began between two calls of {@link GracePeriods.elapse}. */
interface Generation {
  active: number;
  onIdle: (() => void) | undefined;
}

/**
 * Knows when all accesses to data clusters that have begun are over. A cluster may be used anew only then: an access that
 * looked it up before it was freed would otherwise meet its new contents.
 */
export class GracePeriods {
  #current: Generation = { active: 0, onIdle: undefined };
  #before: Promise<void> = Promise.resolve();

  /** An access begins. Looking up the cluster and calling this happen without a pause in between. */
  enter(): Generation {
    this.#current.active++;
    return this.#current;
  }

  /** An access is over. `generation`: what {@link enter} has returned. */
  leave(generation: Generation): void {
    if (--generation.active === 0) generation.onIdle?.();
  }

  /** Resolves when all accesses that have begun before the call are over. */
  elapse(): Promise<void> {
    const old = this.#current;
    const { active } = old;
    this.#current = { active: 0, onIdle: undefined };
    const idle =
      active === 0
        ? Promise.resolve()
        : new Promise<void>((resolve) => {
            old.onIdle = resolve;
          });
    const before = this.#before;
    this.#before = before.then(() => idle);
    return this.#before;
  }
}
