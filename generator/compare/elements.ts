import type { Conditional, Feature } from '../schema/model.js';
import type { Span } from '../text/source-file.js';
import type { ChangeBranch } from './change.js';
import { conditionText, sameCondition } from './conditions.js';
import type { Findings, Place } from './findings.js';

/** How much is known: introspection has no widths of integers, no conditions, no documentation and no `allow-preconfig`. */
export type Depth = 'schema' | 'introspection';

/** Something with features and a condition. */
interface Element extends Conditional {
  readonly features: readonly Feature[];
  readonly span?: Span;
}

/** Compares the features and conditions of something that both sides have. */
export function compareElements(
  old: Element,
  now: Element,
  key: string,
  place: Place,
  findings: Findings,
  depth: Depth,
  what = '',
  branch: readonly ChangeBranch[] = [],
): void {
  const sides = { oldPlace: old.span, newPlace: now.span, branch };
  const of = what === '' ? '' : `${what} `;
  const before = new Set(old.features.map(({ name }) => name));
  const after = new Set(now.features.map(({ name }) => name));
  for (const name of after) {
    if (before.has(name)) continue;
    const details = { message: `${of}${gained(name)}`, new: name, ...sides };
    findings.report(isMark(name) ? `${name}-added` : 'feature-added', `${key} ${name}`, place, details);
  }
  for (const name of before) {
    if (after.has(name)) continue;
    const details = { message: `${of}${lost(name)}`, old: name, ...sides };
    findings.report(isMark(name) ? `${name}-removed` : 'feature-removed', `${key} ${name}`, place, details);
  }
  if (depth === 'introspection' || sameCondition(old, now)) return;
  const [was, is] = [conditionText(old), conditionText(now)];
  const message = `${of}exists under another condition: ${was} became ${is}, which introspection does not show`;
  findings.report('condition-changed', key, place, { message, old: was, new: is, ...sides });
}

function isMark(name: string): name is 'deprecated' | 'unstable' {
  return name === 'deprecated' || name === 'unstable';
}

function gained(name: string): string {
  return isMark(name) ? `is ${name} now` : `has the new feature '${name}'`;
}

function lost(name: string): string {
  return isMark(name) ? `is not ${name} any more` : `has lost the feature '${name}'`;
}
