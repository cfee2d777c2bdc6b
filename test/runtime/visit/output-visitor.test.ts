import { describe, expect, it } from 'vitest';
import {
  type EncodeOptions,
  encode,
  type Visit,
  VisitError,
  visitAny,
  visitInt64,
  visitNumber,
  visitStr,
  visitUint8,
  visitUint64,
} from '../../../runtime/index.js';
import { visitNode, visitNodeRef, visitShape, visitWrapped } from './__golden__/index.js';

/** What is wrong with a value that TypeScript would not let pass. */
function problem(visit: Visit<unknown>, value: unknown, options?: EncodeOptions): string {
  try {
    encode(visit, value, options);
  } catch (error) {
    if (error instanceof VisitError) return error.message;
    throw error;
  }
  throw new Error('the value was accepted');
}

describe('what is written', () => {
  it('writes an equal copy', () => {
    const node = { id: 'a', count: 1, children: [null, 'x', { id: 'b', count: 2 }], data: { a: [1, null] } };
    const copy = encode(visitNode, node);
    expect(copy).toEqual(node);
    expect(copy).not.toBe(node);
    expect(encode(visitNode, Object.freeze(node))).toEqual(node);
  });

  it('omits members that are undefined', () => {
    const node = { id: 'a', count: 1, flag: undefined, data: { a: undefined, b: [{ c: undefined }] } };
    const written = encode(visitNode, node as never);
    expect(written).toStrictEqual({ id: 'a', count: 1, data: { b: [{}] } });
    expect(node).toHaveProperty('flag');
  });

  it('writes 64-bit integers in their one form', () => {
    expect(encode(visitInt64, 5n)).toBe(5);
    expect(encode(visitUint64, 2n ** 64n - 1n)).toBe(2n ** 64n - 1n);
    expect(encode(visitAny, [5n, 2n ** 63n, -(2n ** 63n)])).toEqual([5n, 2n ** 63n, -(2n ** 63n)].map(short));
  });

  it('writes __proto__ as a key like any other', () => {
    const data: unknown = JSON.parse('{"__proto__": {"a": 1}}');
    expect(JSON.stringify(encode(visitAny, data as never))).toBe('{"__proto__":{"a":1}}');
  });

  it('writes unions and alternates', () => {
    const solid = { kind: 'solid', form: 'cube', edges: [1, 2] } as const;
    expect(encode(visitShape, { ...solid, edges: [...solid.edges] })).toEqual(solid);
    expect(encode(visitWrapped, { type: 'text', data: 'x' })).toEqual({ type: 'text', data: 'x' });
    expect(encode(visitNodeRef, null)).toBeNull();
  });
});

describe('what is refused', () => {
  const node = { id: 'a', count: 1 };
  it.each<[string, Visit<unknown>, unknown, string]>([
    ['a wrong kind', visitStr, 5, 'expected a string, found 5'],
    ['nothing', visitStr, undefined, 'missing, expected a string'],
    ['an integer out of range', visitUint8, 256, 'expected an integer from 0 to 255, found 256'],
    [
      'an integer that is not exact',
      visitInt64,
      2 ** 60,
      'expected an integer from -9223372036854775808 to 9223372036854775807, found 1152921504606847000, which is not exact: a bigint would be',
    ],
    ['a negative unsigned integer', visitUint64, -1, 'expected an integer from 0 to 18446744073709551615, found -1'],
    ['what JSON cannot express', visitNumber, Number.NaN, 'expected a number, found NaN'],
    ['a function', visitAny, [{ a: [() => 0] }], '[0].a[0]: expected a JSON value, found a function'],
    [
      'an infinite number in any value',
      visitAny,
      { a: Number.POSITIVE_INFINITY },
      'a: expected a number, found Infinity',
    ],
    ['a hole in a list', visitAny, [1, undefined], '[1]: missing, expected a JSON value'],
    [
      'an integer of more than 64 bits',
      visitAny,
      2n ** 64n,
      'expected an integer from 0 to 18446744073709551615, found 18446744073709551616',
    ],
    ['a missing member', visitNode, { ...node, next: { id: 'b' } }, 'next.count: missing, expected an integer'],
    [
      'an unknown member',
      visitNode,
      { ...node, children: [{ ...node, flags: 1 }] },
      "children[0].flags: unexpected, Node has no such member; did you mean 'flag'?",
    ],
    [
      'an unknown enum value',
      visitNode,
      { ...node, colours: ['blue'] },
      "colours[0]: expected one of 'red', 'dark-green', 'mauve' (Colour), found \"blue\"",
    ],
    ['no branch', visitNodeRef, 5, 'expected an object or a string or null (NodeRef), found 5'],
    ['no list', visitNode, { ...node, children: 'x' }, 'children: expected a list, found "x"'],
    ['a list for an object', visitNode, [], 'expected an object (Node), found a list'],
  ])('%s', (_name, visit, value, message) => {
    expect(problem(visit, value)).toBe(message);
  });

  it('starts the path with the name of the root', () => {
    expect(problem(visitNode, { id: 5 }, { root: 'return' })).toBe('return.id: expected a string, found 5');
  });
});

describe('policy', () => {
  it('leaves out what is to be hidden', () => {
    const node = { id: 'a', count: 1, 'x-old': 'x' };
    expect(encode(visitNode, node)).toEqual(node);
    expect(encode(visitNode, node, { unstable: 'hide' })).toStrictEqual({ id: 'a', count: 1 });
    expect(encode(visitNode, node, { deprecated: 'hide' })).toStrictEqual({ id: 'a', count: 1 });
    expect(node['x-old']).toBe('x');
  });
});

/** The form of a 64-bit integer on the wire. */
function short(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
