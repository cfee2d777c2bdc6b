import { describe, expect, it } from 'vitest';
import { CloneVisitor, clone, type Name, visitAny } from '../../../runtime/index.js';
import { type Node, visitNode, visitWrapped, type Wrapped } from './__golden__/index.js';

function sample(): Node {
  return {
    id: 'a',
    count: 2n ** 60n,
    colours: ['red'],
    children: ['x', null, { id: 'b', count: 1, data: [{ c: 1 }] }],
    data: JSON.parse('{"__proto__": {"d": [1]}}'),
    empty: {},
  };
}

describe('clone', () => {
  it('copies in depth', () => {
    const node = sample();
    const copy = clone(visitNode, node);
    expect(copy).toStrictEqual(node);
    expect(JSON.stringify(copy.data)).toBe('{"__proto__":{"d":[1]}}');
    for (const [one, other] of containers(node, copy)) expect(one).not.toBe(other);
  });

  it('copies what is beyond the schema, too', () => {
    const wrapped = { type: 'new', data: { a: [1] }, more: { b: {} } } as unknown as Wrapped;
    const copy = clone(visitWrapped, wrapped);
    expect(copy).toStrictEqual(wrapped);
    for (const [one, other] of containers(wrapped, copy)) expect(one).not.toBe(other);
  });

  it('copies values that are not what their type says', () => {
    const node = { id: {}, count: 1, children: { a: 1 }, next: [5] } as unknown as Node;
    const copy = clone(visitNode, node);
    expect(copy).toStrictEqual(node);
  });

  it('copies any value', () => {
    const value = [{ a: [1, 'x', null, 2n ** 63n] }];
    const copy = clone(visitAny, value);
    expect(copy).toStrictEqual(value);
    expect(copy).not.toBe(value);
  });
});

describe('a visitor that redacts', () => {
  class Redaction extends CloneVisitor {
    override str(value: unknown, name: Name): string {
      return name === 'id' ? '********' : super.str(value, name);
    }
  }

  it('gives a changed copy and leaves the value as it is', () => {
    const node = sample();
    const redacted = visitNode(new Redaction(), node);
    expect(redacted.id).toBe('********');
    expect(redacted.children).toEqual(['x', null, { id: '********', count: 1, data: [{ c: 1 }] }]);
    expect(node).toStrictEqual(sample());
  });
});

/** The objects and lists at the same places of two equal values. */
function* containers(one: unknown, other: unknown): Iterable<[unknown, unknown]> {
  if (typeof one !== 'object' || one === null) return;
  yield [one, other];
  for (const key of Object.keys(one)) {
    yield* containers((one as Record<string, unknown>)[key], (other as Record<string, unknown>)[key]);
  }
}
