import { describeCondition } from '../schema/condition.js';
import type { Condition, Conditional } from '../schema/model.js';

/** Whether two things exist under the same condition, however it is written. */
export function sameCondition({ condition: old }: Conditional, { condition: now }: Conditional): boolean {
  return (old && canonical(old.value)) === (now && canonical(now.value));
}

/** A condition in the words of a message. */
export function conditionText({ condition }: Conditional): string {
  return condition ? describeCondition(condition.value) : 'always';
}

function canonical(condition: Condition): string {
  switch (condition.kind) {
    case 'symbol':
      return condition.name;
    case 'expression':
      return condition.text.replace(/\s+/g, '');
    case 'not':
      return `!(${canonical(condition.operand)})`;
    case 'all':
    case 'any': {
      const operands = [...new Set(condition.operands.map(canonical))].sort();
      return operands.length === 1 ? (operands[0] as string) : `${condition.kind}(${operands.join()})`;
    }
  }
}
