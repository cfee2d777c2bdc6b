import { describe, expectTypeOf, it } from 'vitest';
import {
  type Codec,
  type CommandEntry,
  type CommandTable,
  clone,
  codec,
  decode,
  type EventTable,
  encode,
  enumInfo,
  examine,
  type Int64,
  type JsonValue,
  type Open,
  type Visit,
  type Visitor,
  visitInt64,
  visitInt64AsBigint,
  visitInt64AsNumber,
  visitStr,
} from '../../../runtime/index.js';
import { type Colour, type Node, visitColour, visitNode } from './__golden__/index.js';

describe('types', () => {
  it('the type of a value follows from the visit function', () => {
    expectTypeOf(decode<Node>).returns.toEqualTypeOf<Node>();
    expectTypeOf(decode(visitColour, 'red')).toEqualTypeOf<Colour>();
    expectTypeOf(encode(visitColour, 'red')).toEqualTypeOf<JsonValue>();
    expectTypeOf(clone(visitNode, { id: 'a', count: 1 })).toEqualTypeOf<Node>();
    expectTypeOf(codec(visitNode)).toEqualTypeOf<Codec<Node>>();
    expectTypeOf(examine(visitNode, {})[0]?.path).toEqualTypeOf<readonly (string | number)[] | undefined>();
  });

  it('does not compile to encode a value of another type', () => {
    // @ts-expect-error no value of the enum
    expectTypeOf(encode<Colour>).toBeCallableWith(visitColour, 'blue');
    expectTypeOf(encode<Node>)
      .parameter(1)
      .toEqualTypeOf<Node>();
  });

  it('the type of 64-bit integers follows the mode', () => {
    expectTypeOf(visitInt64).toExtend<Visit<Int64>>();
    expectTypeOf(visitInt64AsBigint).toExtend<Visit<bigint>>();
    expectTypeOf(visitInt64AsNumber).toExtend<Visit<number>>();
    expectTypeOf(visitInt64).not.toExtend<Visit<number>>();
  });

  it('the type of an enum is the union of its values', () => {
    expectTypeOf(enumInfo('E', ['a', 'b']).values).toEqualTypeOf<readonly ('a' | 'b')[]>();
    expectTypeOf<'a'>().toExtend<Open<'a' | 'b'>>();
    expectTypeOf<string>().toExtend<Open<'a' | 'b'>>();
  });

  it('the types of tables accept entries of any command and event', () => {
    interface Handlers {
      start(args: Node): Promise<string>;
    }
    const start: CommandEntry<Handlers, Node, string> = {
      name: 'start',
      arguments: codec(visitNode),
      returns: codec(visitStr),
      call: (handlers, args) => handlers.start(args),
    };
    expectTypeOf(new Map([['start', start]])).toExtend<CommandTable<Handlers>>();
    expectTypeOf(new Map([['STOP', { name: 'STOP', data: codec(visitNode) }]])).toExtend<EventTable>();
  });

  it('a visit function accepts any visitor', () => {
    expectTypeOf(visitNode).parameter(0).toEqualTypeOf<Visitor>();
    expectTypeOf(visitNode).parameter(1).toBeUnknown();
  });
});
