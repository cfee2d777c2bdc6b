import type { Diagnostic } from '../generator/text/diagnostic.js';

/** A stretch of a text: the offset of its first character and the one after its last. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** A text in which the places where problems are expected were marked. */
export interface Marked {
  /** The text without the marks. */
  readonly text: string;
  /** What stood between the marks, in order of writing. */
  readonly stretches: readonly Stretch[];
}

/**
 * Takes the marks out of a text: `⟦…⟧` around what a diagnostic is expected to point at. They do not nest.
 *
 * @example
 * ```ts
 * const { text, stretches } = marked("{ 'command' ⟦'reset'⟧ }");
 * ```
 */
export function marked(source: string): Marked {
  const stretches: Stretch[] = [];
  let text = '';
  for (const [index, part] of source.split(/[⟦⟧]/).entries()) {
    if (index % 2 === 1) stretches.push({ start: text.length, end: text.length + part.length });
    text += part;
  }
  return { text, stretches };
}

/** Puts the marks into a text again, around the spans of diagnostics: shows in a failing test where they are. */
export function mark(text: string, diagnostics: readonly Pick<Diagnostic, 'span'>[]): string {
  const marks = diagnostics.flatMap(({ span }) => (span ? [[span.start, '⟦'] as const, [span.end, '⟧'] as const] : []));
  let result = text;
  for (const [offset, character] of marks.sort(([a], [b]) => b - a)) {
    result = result.slice(0, offset) + character + result.slice(offset);
  }
  return result;
}
