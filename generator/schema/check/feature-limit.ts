import type { Drafts } from '../define.js';
import type { Draft } from '../draft.js';
import type { Feature } from '../model.js';
import type { CheckContext } from './context.js';

const limit = 64;

/** Checks that a schema does not have more features than there are bits for them: 10.0+. */
export function checkFeatureLimit(drafts: Drafts, context: CheckContext): void {
  if (!context.dialect.has('limit of features')) return;
  const names = new Set(['deprecated', 'unstable']);
  for (const draft of drafts.entities) {
    for (const { name, span } of featuresIn(draft)) {
      if (names.has(name)) continue;
      names.add(name);
      if (names.size <= limit) continue;
      context.enter(draft.expression);
      context.report('too-many-features', { name, limit }, span);
      return;
    }
  }
}

function featuresIn(draft: Draft): readonly Feature[] {
  if (draft.kind !== 'enum' && draft.kind !== 'object') return draft.features;
  const having = draft.members.filter(({ features }) => features.length > 0);
  return having.length === 0 ? draft.features : [...draft.features, ...having.flatMap(({ features }) => features)];
}
