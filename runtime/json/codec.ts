import type { JsonValue } from './value.js';

/** How to read a value of the wire. */
export interface DecodeOptions {
  /** What the value is called at the start of a member's path in errors. Default: nothing. */
  readonly root?: string | undefined;
  /**
   * What to do with members and enum values that the schema does not have: `reject` them (default), or `keep` them as they are,
   * as a client does that talks to a newer server.
   */
  readonly unknown?: 'reject' | 'keep' | undefined;
  /** Whether members and enum values with the feature `deprecated` may be used. Default: `accept`. */
  readonly deprecated?: 'accept' | 'reject' | undefined;
  /** Whether members and enum values with the feature `unstable` may be used. Default: `accept`. */
  readonly unstable?: 'accept' | 'reject' | undefined;
}

/** How to write a value to the wire. */
export interface EncodeOptions {
  /** What the value is called at the start of a member's path in errors. Default: nothing. */
  readonly root?: string | undefined;
  /** Whether members with the feature `deprecated` are sent or left out. Default: `accept`. */
  readonly deprecated?: 'accept' | 'hide' | undefined;
  /** Whether members with the feature `unstable` are sent or left out. Default: `accept`. */
  readonly unstable?: 'accept' | 'hide' | undefined;
}

/**
 * What is wrong with a value: it is absent, not known to the schema, of another JSON type, of the right type but not allowed, or
 * disabled by policy.
 */
export type DifferenceKind = 'missing' | 'unexpected' | 'type' | 'value' | 'policy';

/** One way in which a value is not what the schema says. */
export interface Difference {
  readonly kind: DifferenceKind;
  /** Where: names of members and indexes of elements, from the outermost. */
  readonly path: readonly (string | number)[];
  /** For a difference of policy: the feature that makes it one. */
  readonly feature?: 'deprecated' | 'unstable' | undefined;
  /** The path, what was expected, and what was found, for people. */
  readonly message: string;
}

/** Turns the JSON form of a type into its TypeScript form and back, and checks the value both ways. */
export interface Codec<T> {
  /**
   * Checks a value that came from the wire. The value is taken over: where its TypeScript form differs, it is changed in place.
   *
   * @throws an error that names the member at fault
   */
  decode(value: unknown, options?: DecodeOptions): T;
  /**
   * Checks a value and prepares it for the wire. The value itself stays as it is.
   *
   * @throws an error that names the member at fault
   */
  encode(value: T, options?: EncodeOptions): JsonValue;
  /** Lists every difference between a value of the wire and the schema. The value stays as it is. */
  examine(value: unknown): readonly Difference[];
}
