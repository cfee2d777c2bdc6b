import type { Feature } from '../schema/model.js';

/** What is marked, itself or by what contains it. */
interface Marks {
  readonly deprecated: boolean;
  readonly unstable: boolean;
}

/** The marks on both sides. */
export interface BothMarks {
  readonly old: Marks;
  readonly new: Marks;
}

export const unmarked: BothMarks = {
  old: { deprecated: false, unstable: false },
  new: { deprecated: false, unstable: false },
};

/** Something that can be marked: by features, and by a name that begins with `x-`. */
export interface Markable {
  readonly name: string;
  readonly features: readonly Feature[];
}

/** The marks of something inside of what has marks. */
function marksOf(outer: Marks, thing: Markable | undefined): Marks {
  if (!thing) return outer;
  const has = (name: string): boolean => thing.features.some((feature) => feature.name === name);
  return {
    deprecated: outer.deprecated || has('deprecated'),
    unstable: outer.unstable || has('unstable') || /^(__[\w.-]+_)?[xX][-_]/.test(thing.name),
  };
}

/** The marks of both sides of something. */
export function bothMarks(outer: BothMarks, old: Markable | undefined, now: Markable | undefined): BothMarks {
  return { old: marksOf(outer.old, old), new: marksOf(outer.new, now) };
}
