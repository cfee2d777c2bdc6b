/**
 * The constructs that came into the language or left it, with the first release that has them and the first that does not.
 * This table is the one place where a release number decides anything: code asks `dialect.has('boxed')`.
 * `auto` reads them all, so a row's third element says what `auto` answers where that is not simply `true`.
 * Source: the releases' own generators.
 */
const eras = {
  /** The literal `null`. */
  'null literal': ['2.4', '4.2'],
  boxed: ['2.7'],
} as const satisfies Record<string, readonly [since: string, until?: string | undefined, auto?: boolean]>;

/** A row of the era table. */
export type Construct = keyof typeof eras;
