/** A stretch of a text: the offset of its first character and the one after its last. */
interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** A text in which the places where problems are expected were marked. */
export interface Marked {
  /** The text without the marks. */
  readonly text: string;
  /** What stood between the marks, in the order in which they open. */
  readonly stretches: readonly Stretch[];
}

/**
 * Takes the marks out of a text: `⟦…⟧` around what a diagnostic is expected to point at. They may nest.
 *
 * @example
 * ```ts
 * const { text, stretches } = marked("{ 'command' ⟦'reset'⟧ }");
 * ```
 */
export function marked(source: string): Marked {
  const stretches: Stretch[] = [];
  const open: number[] = [];
  let text = '';
  for (const part of source.split(/([⟦⟧])/)) {
    if (part === '⟦') {
      open.push(stretches.length);
      stretches.push({ start: text.length, end: text.length });
    } else if (part === '⟧') {
      const index = open.pop() ?? -1;
      stretches[index] = { start: stretches[index]?.start ?? 0, end: text.length };
    } else text += part;
  }
  return { text, stretches };
}
