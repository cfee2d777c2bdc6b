import type { Members } from './visitor.js';

/**
 * A member whose name every object inherits something under, such as `constructor`: only the object's own counts.
 */
export function own(members: Members, name: string): unknown {
  return Object.hasOwn(members, name) ? members[name] : undefined;
}
