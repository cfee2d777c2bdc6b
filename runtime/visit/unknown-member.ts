import { memberNames } from './member-names.js';
import { nearMiss } from './near-miss.js';
import { VisitError } from './visit-error.js';
import type { Members, VisitMembers } from './visitor.js';

/** The error that an object has a member that its type does not have. Undefined when all are known; some may be `undefined`. */
export function unknownMember(object: Members, type: string, members: VisitMembers): VisitError | undefined {
  const known = memberNames(members, object);
  for (const name of Object.keys(object)) {
    if (known.has(name) || object[name] === undefined) continue;
    const free = [...known].filter((candidate) => object[candidate] === undefined);
    const expected = type === 'q_empty' ? 'the object' : type;
    return new VisitError({ kind: 'unexpected', name, expected, found: object[name], nearMiss: nearMiss(name, free) });
  }
  return undefined;
}
