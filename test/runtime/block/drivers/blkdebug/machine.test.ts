import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlkdebugIOType } from '../../../../../generated/index.js';
import { RuleMachine } from '../../../../../runtime/block/drivers/blkdebug/machine.js';
import type { InjectRule, Rule } from '../../../../../runtime/block/drivers/blkdebug/rules.js';

const inject = (rule: Partial<InjectRule> = {}): InjectRule => ({
  kind: 'inject-error',
  event: 'read_aio',
  state: 0,
  code: 'EIO',
  offset: undefined,
  once: false,
  iotype: undefined,
  delay: 0,
  immediately: false,
  ...rule,
});
const set = (newState: number, state = 0): Rule => ({ kind: 'set-state', event: 'l2_load', state, newState });

describe('the state machine of blkdebug', () => {
  it('lets requests pass until an event activates an injection', () => {
    const machine = new RuleMachine([inject()]);
    expect(machine.meet('read', 0, 512)).toBeUndefined();
    machine.announce('write_aio');
    expect(machine.meet('read', 0, 512)).toBeUndefined();
    machine.announce('read_aio');
    expect(machine.meet('read', 0, 512)?.code).toBe('EIO');
    expect(machine.meet('read', 0, 512)?.code).toBe('EIO');
  });

  it('keeps what earlier events have activated unless an event activates something else', () => {
    const machine = new RuleMachine([
      inject({ code: 'ENOSPC' }),
      inject({ event: 'write_aio', code: 'EPERM' }),
      inject({ event: 'l2_load', state: 7 }),
    ]);
    machine.announce('read_aio');
    machine.announce('l2_load');
    expect(machine.meet('read', 0, 512)?.code).toBe('ENOSPC');
    machine.announce('write_aio');
    expect(machine.meet('read', 0, 512)?.code).toBe('EPERM');
  });

  it('drops a one-time rule for good, also when its event comes again', () => {
    const machine = new RuleMachine([inject({ once: true }), inject({ once: true, code: 'ENOSPC' })]);
    machine.announce('read_aio');
    expect(machine.meet('read', 0, 1)?.code).toBe('EIO');
    machine.announce('read_aio');
    expect(machine.meet('read', 0, 1)?.code).toBe('ENOSPC');
    machine.announce('read_aio');
    expect(machine.meet('read', 0, 1)).toBeUndefined();
  });

  it('forgets a one-time rule that lets a request pass, so that the next meets the rules behind it', () => {
    const machine = new RuleMachine([inject({ once: true, code: undefined }), inject()]);
    machine.announce('read_aio');
    expect(machine.meet('read', 0, 1)).toBeUndefined();
    expect(machine.meet('read', 0, 1)?.code).toBe('EIO');
  });

  it('lets a rule for one kind of request meet no other', () => {
    const machine = new RuleMachine([inject({ iotype: 'write' }), inject({ iotype: 'block-status', code: 'ENOSPC' })]);
    machine.announce('read_aio');
    expect(machine.meet('read', 0, 1)).toBeUndefined();
    expect(machine.meet('write-zeroes', 0, 1)).toBeUndefined();
    expect(machine.meet('write', 0, 1)?.code).toBe('EIO');
    expect(machine.meet('block-status', 0, 1)?.code).toBe('ENOSPC');
  });

  it('lets a rule for any kind of request meet all but questions for what is allocated', () => {
    const machine = new RuleMachine([inject()]);
    machine.announce('read_aio');
    for (const kind of BlkdebugIOType) {
      expect(machine.meet(kind, 0, 1)?.code).toBe(kind === 'block-status' ? undefined : 'EIO');
    }
  });

  it('matches a sector that lies in the range, even in part', () => {
    const machine = new RuleMachine([inject({ offset: 1024 })]);
    machine.announce('read_aio');
    expect(machine.meet('read', 0, 1024)).toBeUndefined();
    expect(machine.meet('read', 0, 1025)).toBeDefined();
    expect(machine.meet('read', 1535, 1)).toBeDefined();
    expect(machine.meet('read', 1536, 512)).toBeUndefined();
    expect(machine.meet('flush')).toBeUndefined();
  });

  it('lets only rules for any sector meet a request without range', () => {
    const machine = new RuleMachine([inject({ offset: 0 }), inject({ code: 'ENOSPC' })]);
    machine.announce('read_aio');
    expect(machine.meet('flush')?.code).toBe('ENOSPC');
  });

  it('begins in state 1, and changes it after all rules have been asked', () => {
    const machine = new RuleMachine([set(2, 1), inject({ event: 'l2_load', state: 2 })]);
    machine.announce('l2_load');
    expect(machine.meet('read', 0, 1)).toBeUndefined();
    machine.announce('l2_load');
    expect(machine.meet('read', 0, 1)).toBeDefined();
  });

  it('lets the rule that is defined first decide between states', () => {
    const machine = new RuleMachine([set(5), set(6), inject({ state: 5 }), inject({ state: 6, code: 'ENOSPC' })]);
    machine.announce('l2_load');
    machine.announce('read_aio');
    expect(machine.meet('read', 0, 1)?.code).toBe('EIO');
  });
});

/**
 * The machine as its description reads, word by word: rules run in reverse, the first injection among them empties the set of
 * active ones, all are added, the state changes in the end; a request looks in the order of definition.
 */
class Model {
  readonly rules: (Rule | undefined)[];
  state = 1;
  active = new Set<number>();

  constructor(rules: readonly Rule[]) {
    this.rules = [...rules];
  }

  announce(event: string): void {
    let emptied = false;
    let state = this.state;
    for (let index = this.rules.length - 1; index >= 0; index--) {
      const rule = this.rules[index];
      if (rule?.event !== event || (rule.state !== 0 && rule.state !== this.state)) continue;
      if (rule.kind === 'set-state') {
        state = rule.newState;
        continue;
      }
      if (!emptied) this.active.clear();
      emptied = true;
      this.active.add(index);
    }
    this.state = state;
  }

  request(first: number | undefined, count: number): string {
    for (let index = 0; index < this.rules.length; index++) {
      const rule = this.rules[index];
      if (rule?.kind !== 'inject-error' || !this.active.has(index)) continue;
      if (rule.iotype !== undefined && (rule.iotype === 'write' || first === undefined)) continue;
      if (rule.offset !== undefined) {
        if (first === undefined) continue;
        const sector = rule.offset / 512;
        if (!Array.from({ length: count }, (_, at) => first + at).includes(sector)) continue;
      }
      if (rule.once) {
        this.rules[index] = undefined;
        this.active.delete(index);
      }
      if (rule.code === undefined) return 'ok';
      return `${rule.code} ${rule.immediately}`;
    }
    return 'ok';
  }
}

const anyEvent = fc.constantFrom('read_aio', 'write_aio', 'l2_load');
const anyState = fc.integer({ min: 0, max: 3 });
const anyRule: fc.Arbitrary<Rule> = fc.oneof(
  fc.record({
    kind: fc.constant('inject-error' as const),
    event: anyEvent,
    state: anyState,
    code: fc.constantFrom('EIO', 'ENOSPC', undefined),
    offset: fc.option(
      fc.integer({ min: 0, max: 4 }).map((sector) => sector * 512),
      { nil: undefined },
    ),
    iotype: fc.constantFrom(undefined, 'read', 'write'),
    delay: fc.constant(0),
    once: fc.boolean(),
    immediately: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('set-state' as const), event: anyEvent, state: anyState, newState: anyState }),
);
const anyStep = fc.oneof(
  fc.record({ event: anyEvent }),
  fc.record({ first: fc.integer({ min: 0, max: 4 }), count: fc.integer({ min: 1, max: 3 }) }),
  fc.constant({ flush: true }),
);

describe('the state machine of blkdebug, for any rules and requests', () => {
  it('agrees with a straightforward model for any rules and requests', () => {
    fc.assert(
      fc.property(fc.array(anyRule, { maxLength: 8 }), fc.array(anyStep, { maxLength: 30 }), (rules, steps) => {
        const machine = new RuleMachine(rules);
        const model = new Model(rules);
        for (const step of steps) {
          if ('event' in step) {
            machine.announce(step.event);
            model.announce(step.event);
            continue;
          }
          const [first, count] = 'first' in step ? [step.first, step.count] : [undefined, 0];
          const met = first === undefined ? machine.meet('flush') : machine.meet('read', first * 512, count * 512);
          expect(met === undefined ? 'ok' : `${met.code} ${met.immediately}`).toBe(model.request(first, count));
        }
      }),
      { numRuns: 1000 },
    );
  });
});
