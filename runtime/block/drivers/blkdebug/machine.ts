import type { BlkdebugEvent, BlkdebugIOType } from '../../../../generated/index.js';
import { sectorSize } from '../../limits.js';
import type { InjectRule, Rule } from './rules.js';

/**
 * What the rules of a blkdebug node have come to: a state, which begins at 1, and the injections that are active.
 *
 * An event lets the rules for it act whose state is the present one, or 0. If there are injections among them, they take the
 * place of those that were active; the state changes last, and where rules disagree the one defined first has its way.
 */
export class RuleMachine {
  readonly #rules = new Map<BlkdebugEvent, Rule[]>();
  #state = 1;
  /** In the order of their definition. */
  #active: InjectRule[] = [];

  /** @param rules in the order of their definition */
  constructor(rules: Iterable<Rule>) {
    for (const rule of rules) {
      const others = this.#rules.get(rule.event);
      if (others === undefined) this.#rules.set(rule.event, [rule]);
      else others.push(rule);
    }
  }

  announce(event: BlkdebugEvent): void {
    const rules = this.#rules.get(event);
    if (rules === undefined) return;
    const injections: InjectRule[] = [];
    let next: number | undefined;
    for (const rule of rules) {
      if (rule.state !== 0 && rule.state !== this.#state) continue;
      if (rule.kind === 'inject-error') injections.push(rule);
      else next ??= rule.newState;
    }
    if (injections.length > 0) this.#active = injections;
    if (next !== undefined) this.#state = next;
  }

  /**
   * The injection that a request meets: the first that is active and concerns its kind and its range. One for `once` is gone with it.
   *
   * @param offset bytes; absent for a request without range, which only meets injections for any sector
   * @returns nothing when the request is to pass
   */
  meet(kind: BlkdebugIOType, offset?: number, length = 0): InjectRule | undefined {
    for (const rule of this.#active) {
      if (rule.iotype === undefined ? kind === 'block-status' : kind !== rule.iotype) continue;
      if (rule.offset !== undefined && !touches(rule.offset, offset, length)) continue;
      if (rule.once) this.#forget(rule);
      return rule.code === undefined && rule.delay === 0 ? undefined : rule;
    }
    return undefined;
  }

  #forget(rule: InjectRule): void {
    this.#active = this.#active.filter((other) => other !== rule);
    const others = this.#rules.get(rule.event) ?? [];
    this.#rules.set(
      rule.event,
      others.filter((other) => other !== rule),
    );
  }
}

function touches(sector: number, offset: number | undefined, length: number): boolean {
  return offset !== undefined && offset < sector + sectorSize && sector < offset + length;
}
