import { whenKnown } from '../../syntax/dialect.js';
import type { SyntaxObject, SyntaxValue } from '../../syntax/tree.js';
import type { CheckContext } from './context.js';
import { found } from './found.js';

const operators = ['all', 'any', 'not'] as const;

/** Checks the value of an `if`: C expressions (3.0–6.1) or trees of symbols (6.2+). */
export function checkCondition(value: SyntaxValue | undefined, context: CheckContext): void {
  if (value === undefined || value.kind === 'null') return;
  if (value.kind === 'array' && context.dialect.has('conditions in C')) {
    if (value.elements.length === 0) context.report('empty-condition', {}, value.span);
    for (const element of value.elements) {
      if (element.kind === 'string') checkText(element.value, element, context);
      else context.report('malformed-condition', { found: found(element), expected: 'a string' }, element.span);
    }
    return;
  }
  checkTree(value, context);
}

function checkTree(value: SyntaxValue, context: CheckContext): void {
  const trees = context.dialect.has('conditions as trees');
  if (value.kind === 'string') checkText(value.value, value, context);
  else if (value.kind === 'object' && trees) checkOperation(value, context);
  else {
    const expected = trees
      ? "a symbol such as 'CONFIG_FOO', or an object with one of 'all', 'any' and 'not'"
      : 'a C preprocessor expression, or an array of such';
    const hint = value.kind === 'array' ? cHint(context) : value.kind === 'object' ? treeHint(context) : undefined;
    context.report('malformed-condition', { found: found(value), expected }, value.span, { hint });
  }
}

function cHint({ dialect }: CheckContext): string | undefined {
  const when = whenKnown('conditions in C', dialect);
  return when && `arrays as conditions are ${when}`;
}

function treeHint({ dialect }: CheckContext): string | undefined {
  const when = whenKnown('conditions as trees', dialect);
  return when && `'all', 'any' and 'not' are ${when}`;
}

function checkText(text: string, value: SyntaxValue, context: CheckContext): void {
  const { dialect } = context;
  if (dialect.has('conditions in C')) {
    const blank = dialect.has('blank conditions are empty') ? text.trim() === '' : text === '';
    if (blank) context.report('empty-condition', {}, value.span);
  } else if (!/^[A-Z][A-Z0-9_]*$/.test(text)) {
    const when = /[^\w]|^defined/.test(text) ? whenKnown('conditions in C', dialect) : undefined;
    context.report('condition-symbol', { text }, value.span, { hint: when && `C expressions are ${when}` });
  }
}

function checkOperation(value: SyntaxObject, context: CheckContext): void {
  const unknown = value.pairs.values().filter(({ key }) => !operators.some((name) => name === key.value));
  for (const { key } of unknown) {
    context.report('condition-operator', { key: key.value }, key.span, { hint: context.suggest(key.value, operators) });
  }
  if (unknown.length > 0) return;
  const [pair, another] = value.pairs.values();
  if (!pair) {
    context.report('empty-condition', {}, value.span);
    return;
  }
  if (another) {
    context.report('condition-operators', { first: pair.key.value, second: another.key.value }, another.key.span);
    return;
  }
  if (pair.key.value === 'not') {
    checkTree(pair.value, context);
  } else if (pair.value.kind !== 'array') {
    const expected = `an array of the conditions that '${pair.key.value}' joins`;
    context.report('malformed-condition', { found: found(pair.value), expected }, pair.value.span);
  } else if (pair.value.elements.length === 0) {
    context.report('empty-condition', {}, pair.value.span);
  } else {
    for (const operand of pair.value.elements) checkTree(operand, context);
  }
}
