/**
 * One step of a change that happens as a whole or not at all: an action of QMP's `transaction`, a node of a reopening.
 * Nothing is in flight meanwhile: the caller has drained what the steps touch.
 */
export interface TransactionStep {
  /** Does all that can fail. What it throws fails the transaction, and {@link abort} of this step is called, too. */
  prepare(): Promise<void> | void;
  /** Makes the change effective. It should not fail: what other steps have committed by then stays. Absent: nothing to do. */
  commit?(): Promise<void> | void;
  /** Undoes what {@link prepare} has done, also when that failed halfway. Must not fail. Absent: nothing to undo. */
  abort?(): Promise<void> | void;
  /** Lets go of what {@link prepare} took, after all steps have been committed or aborted. Absent: nothing is held. */
  clean?(): Promise<void> | void;
}

/**
 * Runs steps as one: prepares each in order; when all are prepared, commits each in order; when one fails, aborts that one and
 * those before it, the last first, because a later step may stand on what an earlier one has prepared. In either case the
 * steps that were begun are cleaned, in order.
 *
 * @throws what the first `prepare` that failed threw; nothing has changed then. Or what the first `commit` that failed threw,
 * after the other steps have been committed and cleaned.
 */
export async function runTransaction(steps: Iterable<TransactionStep>): Promise<void> {
  const begun: TransactionStep[] = [];
  try {
    try {
      for (const step of steps) {
        begun.push(step);
        await step.prepare();
      }
    } catch (error) {
      await each(begun.toReversed(), (step) => step.abort?.());
      throw error;
    }
    for (const failure of await each(begun, (step) => step.commit?.())) throw failure.error;
  } finally {
    await each(begun, (step) => step.clean?.());
  }
}

/** Does something with each step, whatever fails. @returns the failures, in the order in which they happened */
async function each(
  steps: readonly TransactionStep[],
  work: (step: TransactionStep) => Promise<void> | void,
): Promise<{ readonly error: unknown }[]> {
  const failures: { readonly error: unknown }[] = [];
  for (const step of steps) {
    try {
      await work(step);
    } catch (error) {
      failures.push({ error });
    }
  }
  return failures;
}
