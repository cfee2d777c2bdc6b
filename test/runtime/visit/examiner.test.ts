import { describe, expect, it } from 'vitest';
import {
  examine,
  visitInt64AsBigint,
  visitInt64AsNumber,
  visitUint64AsNumber,
  WalkVisitor,
} from '../../../runtime/index.js';
import { visitNode, visitShape } from './__golden__/index.js';

const messages = (differences: readonly { readonly message: string }[]): string[] =>
  differences.map(({ message }) => message);

describe('examine', () => {
  it('finds nothing in what is right, and leaves it as it is', () => {
    const node = Object.freeze({ id: 'a', count: 5n, children: Object.freeze(['x', null]), data: { a: 1 } });
    expect(examine(visitNode, node)).toEqual([]);
    expect(node.count).toBe(5n);
  });

  it('finds every difference, with its place', () => {
    const node = {
      id: 5,
      count: 'x',
      colours: ['blue', 'red', 1],
      children: [{ id: 'b', count: 1, more: 1, other: 2 }, true, { count: 1 }],
      next: [],
      flags: true,
      level: 256,
    };
    expect(messages(examine(visitNode, node))).toEqual([
      'id: expected a string, found 5',
      'count: expected an integer, found "x"',
      "colours[0]: expected one of 'red', 'dark-green', 'mauve' (Colour), found \"blue\"",
      'colours[2]: expected a string (Colour), found 1',
      'next: expected an object (Node), found a list',
      'children[0].more: unexpected, Node has no such member',
      'children[0].other: unexpected, Node has no such member',
      'children[1]: expected an object or a string or null (NodeRef), found true',
      'children[2].id: missing, expected a string',
      'level: expected an integer from 0 to 255, found 256',
      "flags: unexpected, Node has no such member; did you mean 'flag'?",
    ]);
  });

  it('says where in parts, and what kind of difference it is', () => {
    expect(examine(visitNode, { id: 'a', count: 1, children: [{ id: 'b' }] })).toEqual([
      { kind: 'missing', path: ['children', 0, 'count'], message: 'children[0].count: missing, expected an integer' },
    ]);
  });

  it('goes on after a tag that is unknown', () => {
    expect(examine(visitShape, { kind: 'square', label: 5, side: 1 }).map(({ path }) => path)).toEqual([
      ['kind'],
      ['label'],
      ['side'],
    ]);
  });

  it('finds what 64-bit integers of either form cannot be', () => {
    for (const wrong of ['x', 1.5, undefined, {}]) {
      expect(examine(visitInt64AsBigint, wrong)).toHaveLength(1);
      expect(examine(visitInt64AsNumber, wrong)).toHaveLength(1);
    }
    expect(messages(examine(visitUint64AsNumber, 2n ** 60n))).toEqual([
      'expected an integer that a number holds exactly, found 1152921504606846976',
    ]);
  });

  it('examines a value that is nested too deep for the stack', () => {
    let value: Record<string, unknown> = { id: 'a', count: 1 };
    for (let depth = 0; depth < 100_000; depth++) value = { id: 'a', count: 1, next: value };
    expect(messages(examine(visitNode, value))).toEqual([
      'expected a value that is not nested so deep, found an object',
    ]);
  });
});

describe('visit functions for one form of 64-bit integers', () => {
  it('pass on what a visitor makes that does not check', () => {
    for (const wrong of ['x', 1.5, undefined]) {
      expect(visitInt64AsBigint(new WalkVisitor(), wrong)).toBe(wrong);
      expect(visitInt64AsNumber(new WalkVisitor(), wrong)).toBe(wrong);
    }
  });
});
