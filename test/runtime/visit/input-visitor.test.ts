import { describe, expect, it } from 'vitest';
import {
  type DecodeOptions,
  decode,
  type Visit,
  VisitError,
  visitAny,
  visitBool,
  visitEmpty,
  visitInt8,
  visitInt16,
  visitInt32,
  visitInt64,
  visitInt64AsBigint,
  visitInt64AsNumber,
  visitNull,
  visitNumber,
  visitSize,
  visitStr,
  visitUint8,
  visitUint16,
  visitUint32,
  visitUint64,
  visitUint64AsNumber,
} from '../../../runtime/index.js';
import { IntegralDouble } from '../../../runtime/json/number.js';
import { visitHostile, visitNode, visitNodeRef, visitShape, visitWrapped } from './__golden__/index.js';

const int64Min = -(2n ** 63n);
const int64Max = 2n ** 63n - 1n;
const uint64Max = 2n ** 64n - 1n;

/** What is wrong with a value, by kind and message. */
function problem<T>(visit: Visit<T>, value: unknown, options?: DecodeOptions): [kind: string, message: string] {
  try {
    decode(visit, value, options);
  } catch (error) {
    if (error instanceof VisitError) return [error.kind, error.message];
    throw error;
  }
  throw new Error('the value was accepted');
}

describe('scalars', () => {
  const accepted: [string, Visit<unknown>, unknown[]][] = [
    ['str', visitStr, ['', 'a', '__proto__', '\0']],
    ['bool', visitBool, [true, false]],
    ['null', visitNull, [null]],
    ['number', visitNumber, [0, -0.5, 1e300, 5]],
    ['int8', visitInt8, [-128, 0, 127]],
    ['int16', visitInt16, [-32768, 32767]],
    ['int32', visitInt32, [-(2 ** 31), 2 ** 31 - 1]],
    ['int64', visitInt64, [int64Min, -(2n ** 53n), Number.MIN_SAFE_INTEGER, 0, Number.MAX_SAFE_INTEGER, int64Max]],
    ['uint8', visitUint8, [0, 255]],
    ['uint16', visitUint16, [0, 65535]],
    ['uint32', visitUint32, [0, 2 ** 32 - 1]],
    ['uint64', visitUint64, [0, Number.MAX_SAFE_INTEGER, 2n ** 53n, uint64Max]],
    ['size', visitSize, [0, uint64Max]],
    ['any', visitAny, [null, true, 'a', 1.5, uint64Max, [], {}, [{ a: [1] }]]],
  ];
  it.each(accepted)('takes every %s as it is', (_name, visit, values) => {
    for (const value of values) expect(decode(visit, value)).toBe(value);
  });

  const rejected: [string, Visit<unknown>, unknown[]][] = [
    ['str', visitStr, [5, null, true, [], {}]],
    ['bool', visitBool, [0, 1, 'on', 'true', null]],
    ['null', visitNull, [0, false, '', {}]],
    ['number', visitNumber, ['5', null, true, []]],
    ['int8', visitInt8, [-129, 128, 1.5, '5', 5n, new IntegralDouble(1)]],
    ['int16', visitInt16, [-32769, 32768, Number.NaN]],
    ['int32', visitInt32, [-(2 ** 31) - 1, 2 ** 31, Number.POSITIVE_INFINITY]],
    ['int64', visitInt64, [int64Min - 1n, int64Max + 1n, 2 ** 60, 1.5, '5', null, new IntegralDouble(1)]],
    ['uint8', visitUint8, [-1, 256]],
    ['uint16', visitUint16, [-1, 65536]],
    ['uint32', visitUint32, [-1, 2 ** 32, 0.5]],
    ['uint64', visitUint64, [uint64Max + 1n, int64Min - 1n, 2 ** 63, '5', true]],
    ['size', visitSize, [uint64Max + 1n, '1k']],
    ['any', visitAny, [() => 0, Symbol('a')]],
  ];
  it.each(rejected)('refuses what is no %s', (_name, visit, values) => {
    for (const value of values) expect(() => decode(visit, value), String(value)).toThrow(VisitError);
  });

  it('gives integers their one form', () => {
    expect(decode(visitInt64, 5n)).toBe(5);
    expect(decode(visitUint64, 2n ** 53n - 1n)).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('takes negative integers modulo 2^64 where 64 unsigned bits are wanted, as QMP servers do', () => {
    expect(decode(visitUint64, -1)).toBe(uint64Max);
    expect(decode(visitSize, int64Min)).toBe(2n ** 63n);
  });

  it('converts integers to doubles where a number is wanted', () => {
    expect(decode(visitNumber, uint64Max)).toBe(2 ** 64);
    expect(decode(visitNumber, new IntegralDouble(3))).toBe(3);
  });

  it('makes plain numbers of integral doubles in any value', () => {
    expect(decode(visitAny, { a: [new IntegralDouble(3), 1] })).toEqual({ a: [3, 1] });
    expect(decode(visitAny, new IntegralDouble(3))).toBe(3);
  });

  it('gives 64-bit integers the form that the code was generated for', () => {
    expect(decode(visitInt64AsBigint, 5)).toBe(5n);
    expect(decode(visitInt64AsBigint, int64Max)).toBe(int64Max);
    expect(decode(visitInt64AsNumber, 5)).toBe(5);
    expect(problem(visitUint64AsNumber, uint64Max, { root: 'size' })).toEqual([
      'value',
      'size: expected an integer that a number holds exactly, found 18446744073709551615',
    ]);
  });
});

describe('what an error says', () => {
  const node = { id: 'a', count: 1 };
  it.each<[string, Visit<unknown>, unknown, string, string]>([
    [
      'a scalar of another kind',
      visitNode,
      { ...node, flag: 'on' },
      'type',
      'flag: expected true or false, found "on"',
    ],
    [
      'an integer out of range',
      visitNode,
      { ...node, level: 256 },
      'value',
      'level: expected an integer from 0 to 255, found 256',
    ],
    ['no integer', visitNode, { ...node, count: '1' }, 'type', 'count: expected an integer, found "1"'],
    [
      'a fraction',
      visitNode,
      { ...node, count: new IntegralDouble(1) },
      'value',
      'count: expected an integer from -9223372036854775808 to 9223372036854775807, found 1 written with a fraction or exponent',
    ],
    [
      'null for an optional member',
      visitNode,
      { ...node, flag: null },
      'type',
      'flag: expected true or false, found null',
    ],
    ['a missing member', visitNode, { id: 'a' }, 'missing', 'count: missing, expected an integer'],
    ['a missing member of the base first', visitNode, {}, 'missing', 'id: missing, expected a string'],
    [
      'an unknown member',
      visitNode,
      { ...node, flags: true },
      'unexpected',
      "flags: unexpected, Node has no such member; did you mean 'flag'?",
    ],
    [
      'an unknown member like none',
      visitNode,
      { ...node, zzz: 1 },
      'unexpected',
      'zzz: unexpected, Node has no such member',
    ],
    [
      'no suggestion of a member that is there',
      visitNode,
      { ...node, flag: true, flags: true },
      'unexpected',
      'flags: unexpected, Node has no such member',
    ],
    [
      'a nested member',
      visitNode,
      { ...node, next: { ...node, next: { id: 5 } } },
      'type',
      'next.next.id: expected a string, found 5',
    ],
    [
      'an element',
      visitNode,
      { ...node, colours: ['red', 'blue'] },
      'value',
      "colours[1]: expected one of 'red', 'dark-green', 'mauve' (Colour), found \"blue\"",
    ],
    [
      'a near enum value',
      visitNode,
      { ...node, colours: ['Dark_green'] },
      'value',
      "colours[0]: expected one of 'red', 'dark-green', 'mauve' (Colour), found \"Dark_green\"; did you mean 'dark-green'?",
    ],
    [
      'an enum value of another kind',
      visitNode,
      { ...node, colours: [1] },
      'type',
      'colours[0]: expected a string (Colour), found 1',
    ],
    [
      'a member of an element',
      visitNode,
      { ...node, children: ['x', { id: 'b', count: {} }] },
      'type',
      'children[1].count: expected an integer, found an object',
    ],
    ['no list', visitNode, { ...node, children: {} }, 'type', 'children: expected a list, found an object'],
    ['no object', visitNode, { ...node, next: [] }, 'type', 'next: expected an object (Node), found a list'],
    [
      'a number where an object is due',
      visitNode,
      { ...node, next: new IntegralDouble(1) },
      'type',
      'next: expected an object (Node), found 1 written with a fraction or exponent',
    ],
    [
      'no branch of an alternate',
      visitNode,
      { ...node, children: [true] },
      'type',
      'children[0]: expected an object or a string or null (NodeRef), found true',
    ],
    ['no object at the root', visitNode, 5, 'type', 'expected an object (Node), found 5'],
    ['a missing tag', visitShape, { radius: 1 }, 'missing', 'kind: missing, expected a string (ShapeKind)'],
    [
      'an unknown tag',
      visitShape,
      { kind: 'cirle' },
      'value',
      "kind: expected one of 'circle', 'solid', 'none' (ShapeKind), found \"cirle\"; did you mean 'circle'?",
    ],
    [
      'a member of another branch',
      visitShape,
      { kind: 'none', radius: 1 },
      'unexpected',
      'radius: unexpected, Shape has no such member',
    ],
    ['a missing member of a branch', visitShape, { kind: 'circle' }, 'missing', 'radius: missing, expected a number'],
    [
      'a branch of a branch',
      visitShape,
      { kind: 'solid', form: 'cube', edges: [1, 70000] },
      'value',
      'edges[1]: expected an integer from -32768 to 32767, found 70000',
    ],
    [
      'the data of a simple union',
      visitWrapped,
      { type: 'node', data: { id: 'a', count: null } },
      'type',
      'data.count: expected an integer, found null',
    ],
    [
      'arguments where there are none',
      visitEmpty,
      { a: 1 },
      'unexpected',
      'a: unexpected, the object has no such member',
    ],
    ['a long string, cut', visitNode, 'x'.repeat(100), 'type', `expected an object (Node), found "${'x'.repeat(60)}"…`],
  ])('%s', (_name, visit, value, kind, message) => {
    expect(problem(visit, value)).toEqual([kind, message]);
  });

  it('starts the path with what the root is called', () => {
    expect(problem(visitNode, { id: 5 }, { root: 'options' })[1]).toBe('options.id: expected a string, found 5');
  });

  it('keeps the path in parts, the class for QMP, and the message in the stack', () => {
    const error = getError(() => decode(visitNode, { id: 'a', count: 1, children: [{ id: 5 }] }));
    expect(error.path).toEqual(['children', 0, 'id']);
    expect(error.class).toBe('GenericError');
    expect(error.stack).toMatch(/^VisitError: children\[0\]\.id: expected a string, found 5\n {4}at /);
    expect(error.stack).not.toContain('visit/codec');
  });

  it('names a value that is nested too deep for the stack', () => {
    let value: Record<string, unknown> = { id: 'a', count: 1 };
    for (let depth = 0; depth < 100_000; depth++) value = { id: 'a', count: 1, next: value };
    expect(problem(visitNode, value)[1]).toBe('expected a value that is not nested so deep, found an object');
  });
});

describe('objects', () => {
  it('takes a value over when nothing is wrong with it', () => {
    const value = {
      count: 1,
      id: 'a',
      next: { id: 'b', count: 2n ** 60n },
      children: [null, 'x', { id: 'c', count: 3 }],
    };
    const before = structuredClone(value);
    expect(decode(visitNode, value)).toBe(value);
    expect(value).toEqual(before);
  });

  it('changes in place what has another form', () => {
    const list = [new IntegralDouble(3)];
    const value = { id: 'a', count: 5n, data: list };
    expect(decode(visitNode, value)).toBe(value);
    expect(value).toEqual({ id: 'a', count: 5, data: [3] });
  });

  it('takes members that are undefined for absent', () => {
    expect(decode(visitNode, { id: 'a', count: 1, flag: undefined, other: undefined }).id).toBe('a');
    expect(problem(visitNode, { id: undefined, count: 1 })[0]).toBe('missing');
  });

  it('does not take what objects inherit for members', () => {
    expect(Object.keys(decode(visitHostile, {}))).toEqual([]);
    expect(decode(visitHostile, { constructor: 'x' }).constructor).toBe('x');
    expect(problem(visitHostile, { constructor: 5 })[1]).toBe('constructor: expected a string, found 5');
    expect(problem(visitHostile, { constructer: 'x' })[1]).toContain("did you mean 'constructor'?");
    expect(problem(visitNode, { id: 'a', count: 1, toString: 'x' })[1]).toContain('toString: unexpected');
  });

  it('takes __proto__ for a key like any other', () => {
    const value: unknown = JSON.parse('{"id": "a", "count": 1, "__proto__": {"flag": true}}');
    expect(problem(visitNode, value)).toEqual(['unexpected', '__proto__: unexpected, Node has no such member']);
    const nested: unknown = JSON.parse('{"id": "a", "count": 1, "data": {"__proto__": {"polluted": 1}}}');
    expect(JSON.stringify(decode(visitNode, nested).data)).toBe('{"__proto__":{"polluted":1}}');
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('takes objects without a prototype', () => {
    expect(decode(visitNode, Object.assign(Object.create(null), { id: 'a', count: 1 })).count).toBe(1);
  });

  it('passes errors of others on as they are', () => {
    const trouble = new Error('trouble');
    const value = {
      get id() {
        throw trouble;
      },
      count: 1,
    };
    expect(() => decode(visitNode, value)).toThrow(trouble);
  });
});

describe('alternates', () => {
  it('chooses the branch of an alternate by the kind of the value alone', () => {
    expect(decode(visitNodeRef, null)).toBeNull();
    expect(decode(visitNodeRef, 'null')).toBe('null');
    expect(decode(visitNodeRef, { id: 'a', count: 1 })).toEqual({ id: 'a', count: 1 });
  });
});

describe('options', () => {
  it('keeps members that a newer schema may have', () => {
    const keep = { unknown: 'keep' } as const;
    const node = { id: 'a', count: 1, colours: ['blue'], children: [5], 'new-member': {} };
    expect(decode(visitNode, structuredClone(node), keep)).toEqual(node);
    expect(decode(visitShape, { kind: 'square', side: 1 }, keep)).toEqual({ kind: 'square', side: 1 });
    expect(problem(visitNode, { ...node, count: 'x' }, keep)[0]).toBe('type');
    expect(problem(visitShape, { kind: 5 }, keep)[0]).toBe('type');
  });

  it('rejects members by policy, only where they are used', () => {
    const node = { id: 'a', count: 1, 'x-old': 'x' };
    expect(decode(visitNode, { ...node })['x-old']).toBe('x');
    expect(problem(visitNode, { ...node }, { deprecated: 'reject' })).toEqual([
      'policy',
      'x-old: it is deprecated, which is not accepted here',
    ]);
    expect(problem(visitNode, { ...node }, { unstable: 'reject', root: 'o' })[1]).toMatch(/^o\.x-old: it is unstable/);
    expect(decode(visitNode, { id: 'a', count: 1 }, { deprecated: 'reject', unstable: 'reject' }).id).toBe('a');
  });

  it('rejects enum values by policy', () => {
    const node = { id: 'a', count: 1, colours: ['red', 'mauve'] };
    expect(problem(visitNode, node, { deprecated: 'reject' })).toEqual([
      'policy',
      "colours[1]: value 'mauve' is deprecated, which is not accepted here",
    ]);
    expect(decode(visitNode, node, { unstable: 'reject' })).toBe(node);
  });
});

function getError(run: () => unknown): VisitError {
  try {
    run();
  } catch (error) {
    if (error instanceof VisitError) return error;
  }
  throw new Error('there was no error');
}
