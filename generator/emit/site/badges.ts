import { isUnstable } from '../../doc/tsdoc.js';
import { describeCondition } from '../../schema/condition.js';
import type { Conditional, Definition, Feature } from '../../schema/model.js';
import { docOf } from './site-context.js';

/** A short remark on a definition or member. */
export interface Badge {
  /** What it looks like. */
  readonly kind: 'since' | 'deprecated' | 'unstable' | 'condition' | 'flag' | 'new' | 'changed';
  readonly text: string;
}

/** What is said of anything that may have features and a condition. */
export function statusBadges(
  thing: Conditional & { readonly name: string; readonly features?: readonly Feature[] },
): Badge[] {
  const badges: Badge[] = [];
  const isDeprecated = thing.features?.some(({ name }) => name === 'deprecated');
  if (isDeprecated) badges.push({ kind: 'deprecated', text: 'deprecated' });
  if (isUnstable(thing)) badges.push({ kind: 'unstable', text: 'unstable' });
  if (thing.condition) badges.push({ kind: 'condition', text: `if ${describeCondition(thing.condition.value)}` });
  return badges;
}

/** What is said of a definition. */
export function definitionBadges(definition: Definition): Badge[] {
  const badges: Badge[] = [];
  const since = sinceOf(definition);
  if (since !== undefined) badges.push({ kind: 'since', text: `since ${since}` });
  badges.push(...statusBadges(definition));
  if (definition.kind === 'command') {
    const flags = {
      'out of band': definition.allowOob,
      'before the configuration ends': definition.allowPreconfig,
      'no reply': !definition.successResponse,
      'arguments not checked': !definition.gen,
    };
    for (const [text, isSet] of Object.entries(flags)) if (isSet) badges.push({ kind: 'flag', text });
  }
  return badges;
}

/** The release that has had a definition first. */
function sinceOf(definition: Definition): string | undefined {
  const tag = docOf(definition).tags.find(({ name }) => name === 'since');
  return tag?.name === 'since' ? tag.text : undefined;
}
