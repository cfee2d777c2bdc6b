import { memberNames } from './member-names.js';
import { nearMiss } from './near-miss.js';
import { own } from './own.js';
import { VisitError } from './visit-error.js';
import type { Members, VisitMembers } from './visitor.js';

/** The errors that an object has members that its type does not have. Those that are `undefined` do not count. */
export function unknownMembers(object: Members, type: string, members: VisitMembers): VisitError[] {
  const known = memberNames(members, object);
  const free = [...known].filter((name) => own(object, name) === undefined);
  const expected = type === 'q_empty' ? 'the object' : type;
  const errors: VisitError[] = [];
  for (const name of Object.keys(object)) {
    if (known.has(name) || object[name] === undefined) continue;
    errors.push(new VisitError({ kind: 'unexpected', name, expected, nearMiss: nearMiss(name, free) }));
  }
  return errors;
}

/** Throws the first of some errors, if there is one. */
export function refuseFirst([first]: readonly VisitError[]): void {
  if (first) throw first;
}
