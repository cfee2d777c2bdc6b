import { describe, expect, test, vi } from 'vitest';
import { type CommandContext, clone, decode, encode, VisitError } from '../../../runtime/index.js';
import * as gallery from './__golden__/gallery/index.js';
import * as hostile from './__golden__/hostile/index.js';
import * as legacy from './__golden__/legacy/index.js';

const context: CommandContext = { command: 'test', outOfBand: false, signal: new AbortController().signal };

describe('generated visitors', () => {
  test('check and type what they read', () => {
    const drawing = { type: 'solid', form: 'cube', edge: 2, frame: null };
    expect(decode(gallery.visitDrawing, { ...drawing })).toEqual(drawing);
    expect(() => decode(gallery.visitDrawing, { ...drawing, form: 'cone' })).toThrow(VisitError);
    expect(() => decode(gallery.visitDrawing, { type: 'ball', radius: 1, edge: 1 })).toThrow(/edge/);
  });

  test('know alternates by what the value is', () => {
    expect(decode(gallery.visitFrameRef, 'a')).toBe('a');
    expect(decode(gallery.visitFrameRef, null)).toBe(null);
    expect(() => decode(gallery.visitFrameRef, 1)).toThrow(VisitError);
    expect(decode(gallery.visitSizes, [1, 2n ** 60n])).toEqual([1, 2n ** 60n]);
    expect(decode(legacy.visitAmount, 2n ** 62n)).toBe(2n ** 62n);
  });

  test('name the place of a fault', () => {
    const frame = {
      'old-colour': 'red',
      others: [{ 'old-colour': 'blue' }, { 'old-colour': 'green', inside: { nothing: { x: 1 } } }],
    };
    expect(() => decode(gallery.visitFrame, frame)).toThrow(/others\[1\]\.inside\.nothing\.x/);
  });

  test('unwrap the branches of simple unions', () => {
    const source = { type: 'list', data: ['a', 'b'] };
    expect(decode(legacy.visitSource, { ...source })).toEqual(source);
    expect(() => decode(legacy.visitSource, { type: 'list', data: 'a' })).toThrow(/data/);
    expect(() => decode(legacy.visitSource, { type: 'list', data: [], more: 1 })).toThrow(/more/);
  });

  test('visits members named like properties of Object.prototype', () => {
    const event = JSON.parse('{ "__proto__": "a", "constructor": "b", "toString": 1, "with.dots-and_all": "c" }');
    for (const value of [
      decode(hostile.visitEvent_, structuredClone(event)),
      encode(hostile.visitEvent_, event),
      clone(hostile.visitEvent_, event),
    ]) {
      expect(Object.entries(value as object)).toEqual(Object.entries(event));
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    }
    expect(decode(hostile.visitEvent_, { 'with.dots-and_all': 'c' })).toEqual({ 'with.dots-and_all': 'c' });
    expect(() => decode(hostile.visitclass_, 'toString')).toThrow(VisitError);
    expect(decode(hostile.visitclass_, '__proto__')).toBe('__proto__');
  });
});

describe('the table of commands', () => {
  test('lists every command under its name', () => {
    expect([...hostile.commands.keys()]).toEqual([
      'stop',
      '__proto__',
      'constructor',
      'arguments',
      '__org.example_do-it',
    ]);
    expect(
      [...gallery.commands.values()].map(({ name, allowOob, allowPreconfig, successResponse, features }) => [
        name,
        allowOob,
        allowPreconfig,
        successResponse,
        features,
      ]),
    ).toEqual([
      ['gallery-open', true, undefined, undefined, ['unstable']],
      ['gallery-show', undefined, true, undefined, undefined],
      ['gallery-point', undefined, undefined, undefined, undefined],
      ['query-gallery', undefined, undefined, undefined, undefined],
      ['gallery-burn', undefined, undefined, false, ['deprecated']],
      ['x-gallery-count', undefined, undefined, undefined, undefined],
    ]);
  });

  test('takes arguments to the handler and its result back', async () => {
    const open = gallery.commands.get('gallery-open');
    const handlers = { 'gallery-open': vi.fn(async () => ({ x: 0, y: 1 })) } as unknown as gallery.CommandHandlers;
    const args = open?.arguments.decode({ name: 'a', visitors: 3 });
    const result = await open?.call(handlers, args, context);
    expect(handlers['gallery-open']).toHaveBeenCalledWith({ name: 'a', visitors: 3 }, context);
    expect(open?.returns?.encode(result)).toEqual({ x: 0, y: 1 });
    expect(() => open?.arguments.decode({ name: 'a', visitors: 300 })).toThrow(/visitors/);
  });

  test('passes on what a command without marshalling takes', () => {
    expect(gallery.commands.get('gallery-burn')?.arguments.decode({ fuel: 1, more: true })).toEqual({
      fuel: 1,
      more: true,
    });
  });
});

test('emitters send events with their data and features', () => {
  const sink = { emit: vi.fn() };
  gallery.emitGalleryClosed(sink);
  gallery.emitGalleryOpened(sink, { at: 9 });
  gallery.emitGallerySold(sink, { mood: 'calm', drawing: { type: 'blank' } });
  expect(sink.emit.mock.calls).toEqual([
    ['GALLERY_CLOSED'],
    ['GALLERY_OPENED', { at: 9 }],
    ['GALLERY_SOLD', { mood: 'calm', drawing: { type: 'blank' } }, ['deprecated']],
  ]);
  // @ts-expect-error hours end at 127
  expect(() => gallery.emitGalleryOpened(sink, { at: 'noon' })).toThrow(VisitError);
});

test('introspection data describe what a client sees, with masked names', () => {
  const open = gallery.introspection.find((info) => (info as { name: string }).name === 'gallery-open');
  expect(open).toMatchObject({ 'meta-type': 'command', 'allow-oob': true, features: ['unstable'] });
});
