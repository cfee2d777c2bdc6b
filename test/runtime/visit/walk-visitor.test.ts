import { describe, expect, it } from 'vitest';
import {
  type EnumInfo,
  type JsonKind,
  type Name,
  type Visit,
  type VisitMembers,
  WalkVisitor,
} from '../../../runtime/index.js';
import { type Node, type Shape, visitNode, visitShape } from './__golden__/index.js';

describe('a visitor that collects references', () => {
  class References extends WalkVisitor {
    readonly found: string[] = [];

    override alternate(value: unknown, name: Name, type: string): JsonKind {
      if (type === 'NodeRef' && typeof value === 'string') this.found.push(value);
      return super.alternate(value, name, type);
    }
  }

  it('collects all references and changes nothing', () => {
    const node: Node = { id: 'a', count: 1, children: ['b', null, { id: 'c', count: 1, children: ['d'] }] };
    const frozen = deepFreeze(node);
    const references = new References();
    expect(visitNode(references, frozen)).toBe(frozen);
    expect(references.found).toEqual(['b', 'd']);
  });
});

describe('the order of a walk', () => {
  class Order extends WalkVisitor {
    readonly seen: string[] = [];

    override str(value: unknown, name: Name): string {
      this.seen.push(`str ${name}`);
      return super.str(value, name);
    }

    override number(value: unknown, name: Name): number {
      this.seen.push(`number ${name}`);
      return super.number(value, name);
    }

    override enum<E extends string>(value: unknown, name: Name, type: EnumInfo<E>): E {
      this.seen.push(`${type.name} ${name}`);
      return super.enum(value, name, type);
    }

    override struct(value: unknown, name: Name, type: string, members: VisitMembers): unknown {
      this.seen.push(`begin ${type} ${name}`);
      const visited = super.struct(value, name, type, members);
      this.seen.push(`end ${type} ${name}`);
      return visited;
    }

    override list<T>(value: unknown, name: Name, element: Visit<T>): T[] {
      this.seen.push(`list ${name}`);
      return super.list(value, name, element);
    }
  }

  it('walks in the order of the schema: the members of the base, then those of the branch', () => {
    const order = new Order();
    const shape: Shape = { radius: 1, label: 'x', kind: 'circle' };
    visitShape(order, shape);
    expect(order.seen).toEqual([
      'begin Shape undefined',
      'ShapeKind kind',
      'str label',
      'number radius',
      'end Shape undefined',
    ]);
  });

  it('walks into lists by index, and visits absent members only if they are mandatory', () => {
    const order = new Order();
    visitNode(order, { count: 1, colours: ['red', 'mauve'], next: { id: 'b', count: 1 } } as unknown as Node);
    expect(order.seen).toEqual([
      'begin Node undefined',
      'str id',
      'list colours',
      'Colour 0',
      'Colour 1',
      'begin Node next',
      'str id',
      'end Node next',
      'end Node undefined',
    ]);
  });

  it('walks on where a value is not what its type says', () => {
    const value = { id: 5, count: 'x', next: [], children: 'y' } as unknown as Node;
    expect(visitNode(new Order(), value)).toBe(value);
  });
});

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) deepFreeze(item);
  return Object.freeze(value);
}
