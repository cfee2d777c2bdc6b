import { describe, expectTypeOf, test } from 'vitest';
import type { Int64, JsonValue } from '../../../runtime/index.js';
import type {
  CommandHandlers,
  Commands,
  Counters,
  Drawing,
  Empty,
  Events,
  FrameRef,
  Mood,
  NamedEmpty,
  Point,
  Sale,
  Solid,
} from './__golden__/gallery/index.js';
import type { Counters as BigintCounters, Sale as OpenSale } from './__golden__/gallery-bigint/index.js';
import type { Counters as NumberCounters } from './__golden__/gallery-number/index.js';
import type { Source } from './__golden__/legacy/index.js';

/*
 * These tests are passed by compiling: `golden.test.ts` does it under the strictest settings, the project's type check as well.
 */

describe('a union', () => {
  test('narrows a union by a switch over its tag, to the last branch', () => {
    const area = (drawing: Drawing): number => {
      switch (drawing.type) {
        case 'circle':
        case 'ball':
          return drawing.radius ** 2;
        case 'solid':
          return drawing.form === 'cube' ? drawing.edge ** 2 : 0;
        case 'blank':
          expectTypeOf(drawing).not.toHaveProperty('radius');
          return 0;
        default:
          expectTypeOf(drawing).toBeNever();
          return drawing;
      }
    };
    expectTypeOf(area).returns.toBeNumber();
  });

  test('a switch that forgets a branch is no longer exhaustive', () => {
    const form = (solid: Solid): number => {
      switch (solid.form) {
        case 'cube':
          return 6;
        default:
          // @ts-expect-error a cone is left
          return solid satisfies never;
      }
    };
    expectTypeOf(form).returns.toBeNumber();
  });

  test('allows the members of the branch and no others', () => {
    expectTypeOf<Drawing>({ type: 'circle', radius: 1, frame: null });
    expectTypeOf<Drawing>({ type: 'solid', form: 'cube', edge: 2 });
    // @ts-expect-error a circle has no edge
    expectTypeOf<Drawing>({ type: 'circle', radius: 1, edge: 2 });
    // @ts-expect-error a cone has no edge
    expectTypeOf<Drawing>({ type: 'solid', form: 'cone', edge: 2 });
    // @ts-expect-error a circle has a radius
    expectTypeOf<Drawing>({ type: 'circle' });
    // @ts-expect-error there is no such branch
    expectTypeOf<Drawing>({ type: 'square' });
  });

  test('wraps the branches of a simple union', () => {
    expectTypeOf<Source>({ type: 'list', data: ['a'] });
    expectTypeOf<Extract<Source, { type: 'count' }>['data']>().toEqualTypeOf<Int64>();
    // @ts-expect-error the data of another branch
    expectTypeOf<Source>({ type: 'list', data: 1 });
  });
});

describe('a struct', () => {
  test('takes no members that it does not have', () => {
    // @ts-expect-error no z
    expectTypeOf<Point>({ x: 1, y: 2, z: 3 });
    // @ts-expect-error no y
    expectTypeOf<Point>({ x: 1 });
  });

  test('refuses members in a struct without members', () => {
    expectTypeOf<Empty>({});
    // @ts-expect-error nothing goes in
    expectTypeOf<Empty>({ x: 1 });
    expectTypeOf<NamedEmpty>({ name: 'a' });
    // @ts-expect-error nothing beside the name
    expectTypeOf<NamedEmpty>({ name: 'a', x: 1 });
  });

  test('allows to omit optional members, but not to set them to undefined', () => {
    expectTypeOf<Events['GALLERY_OPENED']['data']>({ at: 1 });
    // @ts-expect-error absent is not undefined
    expectTypeOf<Events['GALLERY_OPENED']['data']>({ at: 1, mood: undefined });
  });
});

describe('an enum', () => {
  test('refuses a value that the enum lacks', () => {
    expectTypeOf<Mood>().toEqualTypeOf<'calm' | 'half-asleep' | '4ever' | '8080' | 'class'>();
    // @ts-expect-error not a mood
    expectTypeOf<Mood>('wild');
  });

  test('leaves an enum open only where it is received from a server', () => {
    expectTypeOf<OpenSale>().toHaveProperty('mood');
    expectTypeOf<OpenSale['mood']>('of a newer server');
    expectTypeOf<OpenSale['drawing']['type']>().toEqualTypeOf<'circle' | 'ball' | 'solid' | 'blank'>();
    // @ts-expect-error closed unless asked for
    expectTypeOf<Sale['mood']>('of a newer server');
  });
});

test('an alternate takes each of its types', () => {
  expectTypeOf<FrameRef>('name');
  expectTypeOf<FrameRef>(null);
  // TypeScript takes the `constructor` that every object inherits for a member that is not there.
  expectTypeOf<FrameRef>({
    'old-colour': 'red',
    constructor: 'me',
    inside: { 'old-colour': 'blue', constructor: 'I' },
  });
  // @ts-expect-error no branch for numbers
  expectTypeOf<FrameRef>(1);
});

test('64-bit integers come in three modes', () => {
  expectTypeOf<Counters['wide']>().toEqualTypeOf<number | bigint>();
  expectTypeOf<BigintCounters['wide']>().toEqualTypeOf<bigint>();
  expectTypeOf<BigintCounters['list']>().toEqualTypeOf<bigint[] | undefined>();
  expectTypeOf<NumberCounters['unsigned']>().toEqualTypeOf<number>();
  expectTypeOf<BigintCounters['plain']>().toEqualTypeOf<number>();
});

describe('commands', () => {
  test('gives each command its arguments and result by name', () => {
    expectTypeOf<Commands['gallery-open']['returns']>().toEqualTypeOf<Point>();
    expectTypeOf<Commands['query-gallery']['returns']>().toEqualTypeOf<Drawing[]>();
    expectTypeOf<Commands['gallery-show']['arguments']>().toEqualTypeOf<Drawing>();
    // @ts-expect-error no such command
    expectTypeOf<Commands['gallery-opn']>();
    // @ts-expect-error the name is missing
    expectTypeOf<Commands['gallery-open']['arguments']>({ mood: 'calm' });
    // @ts-expect-error not a mood
    expectTypeOf<Commands['gallery-open']['arguments']>({ name: 'a', mood: 'wild' });
    // @ts-expect-error takes nothing
    expectTypeOf<Commands['query-gallery']['arguments']>({ name: 'a' });
  });

  test('accepts unknown arguments for a command without marshalling', () => {
    expectTypeOf<Commands['gallery-burn']['arguments']>({ fuel: 'oil', matches: 2 });
    // @ts-expect-error but what it knows, it knows
    expectTypeOf<Commands['gallery-burn']['arguments']>({ fuel: 1 });
    expectTypeOf<Commands['gallery-burn']['arguments'][string]>().toEqualTypeOf<JsonValue>();
  });

  test('declares one handler method per command, synchronous or not', () => {
    expectTypeOf<CommandHandlers['gallery-open']>().parameter(0).toEqualTypeOf<Commands['gallery-open']['arguments']>();
    expectTypeOf<CommandHandlers['gallery-open']>().returns.toEqualTypeOf<Point | Promise<Point>>();
    // @ts-expect-error most are missing
    expectTypeOf<CommandHandlers>({ 'gallery-point': () => {} });
  });
});

test('events carry their data, or nothing', () => {
  expectTypeOf<Events['GALLERY_SOLD']['data']>().toEqualTypeOf<Sale>();
  expectTypeOf<Events['GALLERY_CLOSED']['data']>().toEqualTypeOf<undefined>();
});
