/**
 * How much may be done at once, without giving others a turn. Cached data is read faster at once than by a thread, but
 * a client that reads a whole image that way would keep all others waiting.
 */
export class TurnBudget {
  readonly #bytesPerTurn: number;
  #left: number;
  #renewing = false;

  /** @param bytesPerTurn of the event loop */
  constructor(bytesPerTurn: number) {
    this.#bytesPerTurn = bytesPerTurn;
    this.#left = bytesPerTurn;
  }

  /** Spends some of this turn's budget, if there is enough left. */
  spend(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    if (!this.#renewing) {
      this.#renewing = true;
      setImmediate(this.#renew);
    }
    return true;
  }

  readonly #renew = (): void => {
    this.#renewing = false;
    this.#left = this.#bytesPerTurn;
  };
}
