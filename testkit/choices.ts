import type { BuiltinType } from '../generator/schema/model.js';

/** What is decided while a value is made: where a type leaves something open, this says what it is to be. */
export interface Choices {
  /** Whether an optional member is there, so many levels down. */
  includes(depth: number): boolean;
  /** How many elements a list has, so many levels down. */
  count(depth: number): number;
  boolean(): boolean;
  integer(type: BuiltinType): number;
  number(): number;
  /** A text for a member of some name. */
  text(name: string): string;
  /** Alternatives in the order in which they are to be tried. */
  order<T>(alternatives: readonly T[]): readonly T[];
}

/** The same every time: no optional members, one element in a list, the first alternative, texts that say whose they are. */
export const plainChoices: Choices = {
  includes: () => false,
  count: () => 1,
  boolean: () => false,
  integer: () => 1,
  number: () => 1,
  text: (name) => `${name}0`,
  order: (alternatives) => alternatives,
};

/** The greatest of the random integers, where the type allows it. */
const greatest = 1_000_000;

/** Random ones, which are the same for the same seed. */
export function randomChoices(seed: number): Choices {
  const random = generator(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  return {
    includes: (depth) => random() < 1 / (depth + 1),
    count: (depth) => below(depth > 2 ? 2 : 4),
    boolean: () => random() < 0.5,
    // A schema that was made from introspection has integers of no width: they are to fit the narrowest.
    integer: ({ name, range }) => below(name === 'int' || !range || range.max < greatest ? 100 : greatest),
    number: () => below(1000) / 8,
    text: (name) => `${name}${below(10)}`,
    order: (alternatives) => {
      const start = below(alternatives.length || 1);
      return [...alternatives.slice(start), ...alternatives.slice(0, start)];
    },
  };
}

/** Numbers from 0 to 1 that look random: mulberry32. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
