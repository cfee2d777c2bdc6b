import type { SyntaxValue } from '../../syntax/tree.js';
import { nameFault, reportNameFault } from '../names.js';
import { checkCondition } from './conditions.js';
import type { CheckContext } from './context.js';
import { found, isEmpty } from './found.js';
import { checkKeys } from './keys.js';

/** Checks the value of `features` in every way that needs no other part of the schema. */
export function checkFeatures(value: SyntaxValue | undefined, context: CheckContext): void {
  if (value === undefined) return;
  if (context.dialect.has('empty features of any kind') && isEmpty(value)) return;
  if (value.kind !== 'array') {
    context.report('wrong-value', { what: "'features'", expected: 'an array', found: found(value) }, value.span);
    return;
  }
  for (const feature of value.elements) checkFeature(feature, context);
}

function checkFeature(feature: SyntaxValue, context: CheckContext): void {
  let name = feature;
  if (feature.kind === 'object') {
    if (!checkKeys(feature, 'feature', 'a feature', feature.span, context)) return;
    name = feature.pairs.get('name')?.value ?? feature;
  }
  if (name.kind === 'string') reportNameFault(context, nameFault(name.value, 'feature', context), name.span);
  else {
    context.report(
      'wrong-value',
      { what: 'the name of a feature', expected: 'a string', found: found(name) },
      name.span,
    );
  }
  if (feature.kind === 'object') checkCondition(feature.pairs.get('if')?.value, context);
}
