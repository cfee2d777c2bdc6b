/** Milliseconds that a speed is the mean of. */
const span = 10_000;
/** From how many milliseconds on there is a speed. */
const shortest = 400;

/** How fast something gets on, of what it has come to from time to time. */
export class Pace {
  #samples: { readonly time: number; readonly value: number }[] = [];

  /**
   * Takes what it has come to.
   *
   * @param time in milliseconds
   * @returns how much there is done each second; undefined when that cannot be said yet
   */
  sample(time: number, value: number): number | undefined {
    const last = this.#samples.at(-1);
    // It has begun anew.
    if (last !== undefined && value < last.value) this.#samples = [];
    this.#samples.push({ time, value });
    // One that is older than the span is needed for all of it.
    while ((this.#samples[1]?.time ?? time) <= time - span) this.#samples.shift();
    const first = this.#samples[0];
    if (first === undefined || time - first.time < shortest) return undefined;
    return ((value - first.value) / (time - first.time)) * 1000;
  }
}
