import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { visitInt16, visitInt64, visitNull, visitStr, visitUint8, visitUint64 } from '../../../runtime/index.js';
import { OptionError } from '../../../runtime/visit/option-error.js';
import { readOption, readOpts, readString, writeOption, writeString } from '../../../runtime/visit/options.js';
import { parseOpts } from '../../../runtime/visit/opts-text.js';
import type { Visit } from '../../../runtime/visit/visitor.js';
import { visitCube, visitEmpty, visitNode, visitSolid } from './__golden__/index.js';

const list =
  <T>(element: Visit<T>): Visit<T[]> =>
  (visitor, value, name) =>
    visitor.list(value, name, element);

describe('readOption', () => {
  it('reads key=value text by the schema type', () => {
    const text =
      'id=a,size=1.5k,count=0x10,flag=on,colours.0=red,colours.1=dark-green,next.id=b,next.count=-1,children.0=c';
    expect(readOption(visitNode, text)).toEqual({
      id: 'a',
      size: 1536,
      count: 16,
      flag: true,
      colours: ['red', 'dark-green'],
      next: { id: 'b', count: -1 },
      children: ['c'],
    });
  });

  it('takes an alternate as its object where it has members, and any as text', () => {
    const text = 'a,count=1,children.0.id=b,children.0.count=9223372036854775807,data.x=1,data.y.0=2';
    expect(readOption(visitNode, text, { impliedKey: 'id' })).toEqual({
      id: 'a',
      count: 1,
      children: [{ id: 'b', count: 9223372036854775807n }],
      data: { x: '1', y: ['2'] },
    });
  });

  it('reads unions by their tag', () => {
    expect(readOption(visitSolid, 'form=cube,edges.0=-1,edges.1=32767')).toEqual({ form: 'cube', edges: [-1, 32767] });
  });

  it('reads JSON by the rules for JSON', () => {
    expect(readOption(visitNode, "{'id':'a','count':1} \n")).toEqual({ id: 'a', count: 1 });
  });

  it.each<[string, string, string | undefined]>([
    ['id=a,count=x', '\'count\': expected an integer, found "x"', 'count'],
    ['id=a', "'count': missing", 'count'],
    ['id=a,count=1,flag=maybe', "'flag': expected 'on' or 'off', found \"maybe\"", 'flag'],
    ['id=a,count=1,size=1Ki', "'size': expected a size in bytes", 'size'],
    ['id=a,count=1,level=256', "'level': expected an integer from 0 to 255", 'level'],
    ['id=a,count=9223372036854775808', "'count': expected an integer from -9223372036854775808", 'count'],
    ['id=a,count=1,next=b', '\'next\': expected an object (Node), found "b"', 'next'],
    ['id.x=a,count=1', "'id': expected a string, found an object", 'id'],
    ['id=a,count=1,children.0.id=b,children.0.count=c', "'children.0.count': expected an integer", 'children.0.count'],
    ['id=a,count=1,colours.0=re', "'colours.0': expected one of", 'colours.0'],
    ['id=a,count=1,coutn=2', "'coutn': unexpected", 'coutn'],
    ['{"id":"a","count":"1"}', "'count': expected an integer", 'count'],
    ['{"id":"a"', 'is not complete', undefined],
    ['{"id":"a","count":1}}', 'More text follows', undefined],
    ['{"id":"a","count":1} {', 'More text follows', undefined],
    ['{"id" "a"}', 'is not JSON', undefined],
  ])('refuses %j', (text, message, key) => {
    const read = () => readOption(visitNode, text);
    expect(read).toThrow(OptionError);
    expect(read).toThrow(message);
    expect(read).toThrow(expect.objectContaining({ key }));
  });

  it('reads back what writeOption writes, as far as key=value text goes', () => {
    const node = fc.letrec<{ node: Record<string, unknown> }>((tie) => ({
      node: fc.record(
        {
          id: fc.string({ unit: 'binary' }),
          count: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(toInt64),
          size: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(toInt64),
          flag: fc.boolean(),
          colours: fc.array(fc.constantFrom('red', 'dark-green', 'mauve'), { minLength: 1, maxLength: 3 }),
          next: tie('node'),
          children: fc.array(fc.oneof(fc.string(), tie('node')), { minLength: 1, maxLength: 2 }),
          level: fc.integer({ min: 0, max: 255 }),
        },
        { requiredKeys: ['id', 'count'], noNullPrototype: true },
      ),
    })).node;
    fc.assert(
      fc.property(node, (value) => {
        expect(readOption(visitNode, writeOption(visitNode, value as never))).toEqual(value);
      }),
    );
  });
});

function toInt64(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

describe('readOpts', () => {
  const open = { name: 'object' };

  it('takes the last of a repeated scalar and all of a list', () => {
    const opts = parseOpts('count=1,count=2,colours=red,colours=mauve,size=2M,id=x', open);
    expect(readOpts(visitNode, opts)).toEqual({ id: 'x', count: 2, colours: ['red', 'mauve'], size: 2 << 20 });
  });

  it('expands ranges in lists of integers', () => {
    expect(readOpts(visitCube, parseOpts('edges=1-3,edges=7,edges=-2--1', open))).toEqual({
      edges: [1, 2, 3, 7, -2, -1],
    });
  });

  it.each([
    ['edges=1-65537', "'edges.0': expected an integer"],
    ['edges=3-1', "'edges.0': expected an integer"],
    ['edges=40000-40001', "'edges.0': expected an integer from -32768"],
    ['edges=1,other=2', "'other': unexpected"],
  ])('refuses %j', (text, message) => {
    expect(() => readOpts(visitCube, parseOpts(text, open))).toThrow(message);
  });

  it('takes no sign on unsigned integers, and no nesting', () => {
    expect(() => readOpts(visitNode, parseOpts('id=a,count=1,level=-1', open))).toThrow("'level': expected");
    expect(() => readOpts(visitNode, parseOpts('id=a,count=1,next=b', open))).toThrow("'next': expected an object");
    expect(readOpts(visitEmpty, parseOpts('', open))).toEqual({});
  });
});

describe('readString', () => {
  it('reads scalars and lists of integers', () => {
    expect(readString(visitStr, 'a,b')).toBe('a,b');
    expect(readString(visitInt64, ' 0x10')).toBe(16);
    expect(readString(visitUint64, '-1')).toBe(2n ** 64n - 1n);
    expect(readString(visitNull, '')).toBe(null);
    expect(readString(list(visitInt16), '')).toEqual([]);
    expect(readString(list(visitInt16), '1-3,7,-5--4,-1-1')).toEqual([1, 2, 3, 7, -5, -4, -1, 0, 1]);
  });

  it.each<[string, Visit<unknown>]>([
    ['x', visitInt64],
    ['256', visitUint8],
    ['x', visitNull],
    ['1-', list(visitInt16)],
    ['1,,2', list(visitInt16)],
    ['5-1', list(visitInt16)],
    ['0-65536', list(visitInt64)],
    ['a', visitNode],
  ])('refuses %j', (text, visit) => {
    expect(() => readString(visit, text)).toThrow(OptionError);
  });

  it('reads back what writeString writes', () => {
    expect(writeString(list(visitInt16), [1, 2, 3, 7, 9, 10])).toBe('1-3,7,9-10');
    const integers = fc.array(
      fc.oneof(fc.integer({ min: -5, max: 5 }), fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 62n) })),
    );
    fc.assert(
      fc.property(integers, (value) => {
        expect(readString(list(visitInt64), writeString(list(visitInt64), value))).toEqual(value);
      }),
    );
  });
});
