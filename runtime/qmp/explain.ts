type Explanations = typeof import('./explanations.js');

/**
 * Asks for the reason of a failure. What words reasons is loaded then: a client that fails nowhere does without.
 *
 * @returns nothing where the reason is not known, or what words it is not there any more, as when the package has been replaced under a
 *   program that runs
 */
export async function explain(
  ask: (explanations: Explanations) => string | undefined | Promise<string | undefined>,
): Promise<string | undefined> {
  const explanations = await import('./explanations.js').catch(() => undefined);
  return explanations && ask(explanations);
}
