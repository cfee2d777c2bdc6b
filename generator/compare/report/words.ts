import type { Change, ChangeSeverity, Role } from '../change.js';

/** The severities, worst first, as headings. */
export const headings: Readonly<Record<ChangeSeverity, string>> = {
  breaks: 'Breaks clients',
  'may surprise': 'May surprise clients',
  notice: 'Worth knowing',
  compatible: 'Compatible',
};

/** So many commands and events are named. */
const most = 4;

/** The commands and events of a change. */
export function entitiesText({ entities }: Change): string {
  const rest = entities.length - most;
  return rest > 1 ? `${entities.slice(0, most).join(', ')} and ${rest} more` : entities.join(', ');
}

/** Where a change is: the path, and the branches that it is confined to. */
export function placeText({ path, uses, ...change }: Change): string {
  const branch = change.branch ?? uses[0]?.branch ?? [];
  const branches = branch.map(({ tag, values }) => {
    const rest = values.length - most;
    const shown = rest > 1 ? `${values.slice(0, most).join('|')} and ${rest} more` : values.join('|');
    return `${tag}=${shown}`;
  });
  return branches.length === 0 ? path : `${path} (${branches.join(', ')})`;
}

/** Whom a change breaks. */
export function rolesText(breaks: readonly Role[]): string {
  return breaks.join(', ') || 'none';
}

/** How many changes there are: in all, and of each severity. */
export function countText(changes: readonly Change[]): string {
  if (changes.length === 0) return 'no change';
  const counts = (Object.keys(headings) as ChangeSeverity[])
    .map((severity) => [changes.filter((change) => change.severity === severity).length, severity] as const)
    .filter(([count]) => count > 0)
    .map(([count, severity]) => `${count} ${severity === 'breaks' && count === 1 ? 'breaks' : verbs[severity]}`);
  const total = `${changes.length} change${changes.length === 1 ? '' : 's'}`;
  return `${total}: ${counts.join(', ')}`;
}

const verbs: Readonly<Record<ChangeSeverity, string>> = {
  breaks: 'break',
  'may surprise': 'may surprise',
  notice: 'worth knowing',
  compatible: 'compatible',
};

/** How many changes of each kind there are, and whom they break. */
export function countsByKind(changes: readonly Change[]): readonly { kind: string; roles: string; count: number }[] {
  const counts = new Map<string, { kind: string; roles: string; count: number }>();
  for (const { kind, breaks } of changes) {
    const roles = rolesText(breaks);
    const row = counts.get(`${kind} ${roles}`) ?? { kind, roles, count: 0 };
    row.count++;
    counts.set(`${kind} ${roles}`, row);
  }
  return [...counts.values()];
}
