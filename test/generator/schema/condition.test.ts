import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeCondition, evaluate } from '../../../generator/schema/condition.js';
import { parseExpression } from '../../../generator/schema/condition-expression.js';
import type { Condition } from '../../../generator/schema/model.js';

const A: Condition = { kind: 'symbol', name: 'A' };
const B: Condition = { kind: 'symbol', name: 'B' };
const C: Condition = { kind: 'symbol', name: 'C' };

describe('C preprocessor expressions', () => {
  it.each<[string, Condition]>([
    ['defined(A)', A],
    ['defined A', A],
    [' defined ( A ) ', A],
    ['A', A],
    ['!defined(A)', { kind: 'not', operand: A }],
    ['!!A', { kind: 'not', operand: { kind: 'not', operand: A } }],
    ['defined(A) && defined(B)', { kind: 'all', operands: [A, B] }],
    ['defined(A)||defined(B)||C', { kind: 'any', operands: [A, B, C] }],
    ['A || B && C', { kind: 'any', operands: [A, { kind: 'all', operands: [B, C] }] }],
    ['(A || B) && C', { kind: 'all', operands: [{ kind: 'any', operands: [A, B] }, C] }],
    ['((A))', A],
    ['!(A && B)', { kind: 'not', operand: { kind: 'all', operands: [A, B] } }],
  ])('%s', (text, condition) => {
    expect(parseExpression(text)).toEqual(condition);
  });

  it.each([
    'A > 1',
    'defined(A',
    'defined(A))',
    'A &&',
    '&& A',
    'A & B',
    'A B',
    '()',
    '!',
    '1',
    'defined()',
    'A ? B : C',
    `${'('.repeat(50_000)}A${')'.repeat(50_000)}`,
    '!'.repeat(50_000),
  ])('keeps as text what is more than that: %.20s', (text) => {
    expect(parseExpression(text)).toEqual({ kind: 'expression', text });
  });
});

const symbols = ['A', 'B', 'C'] as const;
const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(...symbols).map((name): Condition => ({ kind: 'symbol', name })),
    tie('condition').map((operand): Condition => ({ kind: 'not', operand })),
    fc.record({
      kind: fc.constantFrom('all', 'any'),
      operands: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }),
    }) as fc.Arbitrary<Condition>,
  ),
}));
const assignment = fc.tuple(fc.boolean(), fc.boolean(), fc.boolean());

/** The condition as C writes it. */
function inC(value: Condition): string {
  switch (value.kind) {
    case 'symbol':
      return `defined(${value.name})`;
    case 'expression':
      return value.text;
    case 'not':
      return `!(${inC(value.operand)})`;
    case 'all':
      return `(${value.operands.map(inC).join(' && ')})`;
    case 'any':
      return `(${value.operands.map(inC).join(' || ')})`;
  }
}

describe('evaluation', () => {
  it('agrees with C', () => {
    fc.assert(
      fc.property(condition, assignment, (value, [a, b, c]) => {
        const js = inC(value).replace(/defined\((.)\)/g, '$1');
        const expected = new Function('A', 'B', 'C', `return ${js}`)(a, b, c);
        const defines = new Map([
          ['A', a],
          ['B', b],
          ['C', c],
        ]);
        expect(evaluate(value, defines)).toBe(expected);
        expect(evaluate(parseExpression(inC(value)), defines)).toBe(expected);
      }),
    );
  });

  it('decides only what does not depend on unknown symbols', () => {
    fc.assert(
      fc.property(condition, assignment, fc.subarray([...symbols]), (value, values, known) => {
        const all = new Map(symbols.map((name, index) => [name as string, values[index] as boolean]));
        const some = new Map([...all].filter(([name]) => known.includes(name as 'A')));
        const decided = evaluate(value, some);
        if (decided !== undefined) expect(evaluate(value, all)).toBe(decided);
        const otherwiseOff = new Map(symbols.map((name) => [name as string, some.get(name) ?? false]));
        expect(evaluate(value, some, false)).toBe(evaluate(value, otherwiseOff));
      }),
    );
  });

  it('takes an expression that it does not understand for a symbol of that text', () => {
    const value: Condition = { kind: 'expression', text: 'VERSION > 3' };
    expect(evaluate(value, new Map())).toBeUndefined();
    expect(evaluate(value, new Map(), false)).toBe(false);
    expect(evaluate(value, new Map([['VERSION > 3', true]]))).toBe(true);
  });
});

describe('description', () => {
  it.each<[Condition, string]>([
    [A, 'A'],
    [{ kind: 'not', operand: A }, 'not A'],
    [{ kind: 'all', operands: [A, { kind: 'any', operands: [B, C] }] }, 'A and (B or C)'],
    [{ kind: 'not', operand: { kind: 'all', operands: [A, B] } }, 'not (A and B)'],
    [{ kind: 'any', operands: [A] }, 'A'],
    [{ kind: 'not', operand: { kind: 'expression', text: 'A > 1' } }, 'not (A > 1)'],
  ])('%j', (value, words) => {
    expect(describeCondition(value)).toBe(words);
  });
});
