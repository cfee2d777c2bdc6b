import type { SyntaxValue } from '../syntax/tree.js';
import { parseExpression } from './condition-expression.js';
import type { Condition, Conditional } from './model.js';

/** Reads an `if` of either syntax. Undefined when there is none, or one too wrong to mean anything. */
export function readCondition(value: SyntaxValue | undefined): Conditional['condition'] | undefined {
  if (value === undefined) return undefined;
  const condition = conditionOf(value);
  return condition && { value: condition, source: plain(value) };
}

function conditionOf(value: SyntaxValue): Condition | undefined {
  switch (value.kind) {
    case 'string':
      return value.value.trim() === '' ? undefined : parseExpression(value.value);
    case 'array':
      return combination('all', value.elements);
    case 'object': {
      const [pair, another] = value.pairs.values();
      if (!pair || another) return undefined;
      const operator = pair.key.value;
      if (operator === 'not') {
        const operand = conditionOf(pair.value);
        return operand && { kind: 'not', operand };
      }
      const isCombination = (operator === 'all' || operator === 'any') && pair.value.kind === 'array';
      return isCombination ? combination(operator, pair.value.elements) : undefined;
    }
    default:
      return undefined;
  }
}

function combination(kind: 'all' | 'any', elements: readonly SyntaxValue[]): Condition | undefined {
  const operands = elements.map(conditionOf).filter((operand) => operand !== undefined);
  return operands.length === 0 || operands.length < elements.length ? undefined : { kind, operands };
}

/** A value of the schema as the JSON value that it looks like. */
function plain(value: SyntaxValue): unknown {
  switch (value.kind) {
    case 'string':
    case 'boolean':
      return value.value;
    case 'null':
      return null;
    case 'array':
      return value.elements.map(plain);
    case 'object':
      return Object.fromEntries(value.pairs.values().map(({ key, value: part }) => [key.value, plain(part)]));
  }
}

/** Which symbols are known to be on or off. */
export type Defines = ReadonlyMap<string, boolean>;

/**
 * Whether a condition holds. Undefined when that depends on what is not known.
 *
 * @param otherwise what holds of symbols that `defines` does not mention
 */
export function evaluate(condition: Condition, defines: Defines, otherwise?: boolean): boolean | undefined {
  switch (condition.kind) {
    case 'symbol':
      return defines.get(condition.name) ?? otherwise;
    case 'expression':
      return defines.get(condition.text) ?? otherwise;
    case 'not': {
      const operand = evaluate(condition.operand, defines, otherwise);
      return operand === undefined ? undefined : !operand;
    }
    case 'all':
    case 'any': {
      const decisive = condition.kind === 'any';
      const values = condition.operands.map((operand) => evaluate(operand, defines, otherwise));
      if (values.includes(decisive)) return decisive;
      return values.includes(undefined) ? undefined : !decisive;
    }
  }
}

/** A condition in words: `CONFIG_LINUX and not (CONFIG_A or CONFIG_B)`. */
export function describeCondition(condition: Condition): string {
  switch (condition.kind) {
    case 'symbol':
      return condition.name;
    case 'expression':
      return condition.text;
    case 'not':
      return `not ${describeOperand(condition.operand)}`;
    case 'all':
      return condition.operands.map(describeOperand).join(' and ');
    case 'any':
      return condition.operands.map(describeOperand).join(' or ');
  }
}

function describeOperand(condition: Condition): string {
  const text = describeCondition(condition);
  const compound = (condition.kind === 'all' || condition.kind === 'any') && condition.operands.length > 1;
  return compound || condition.kind === 'expression' ? `(${text})` : text;
}
