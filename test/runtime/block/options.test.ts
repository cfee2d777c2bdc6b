import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockOptions, type OptionValue } from '../../../runtime/block/options.js';

const entriesOf = (options: BlockOptions) => Object.fromEntries(options.entries());
const one = (value: OptionValue) => new BlockOptions([['key', value]]);

describe('flat options', () => {
  it('flattens nested options', () => {
    const options = BlockOptions.flatten({
      driver: 'raw',
      file: { driver: 'file', deep: { er: 1 } },
      list: ['a', { b: true }, ['c']],
      none: null,
      big: 2n ** 60n,
      nothing: undefined,
      empty: {},
      emptyList: [],
      'dotted.key': 'd',
    });
    expect([...options.entries()]).toEqual([
      ['driver', 'raw'],
      ['file.driver', 'file'],
      ['file.deep.er', 1],
      ['list.0', 'a'],
      ['list.1.b', true],
      ['list.2.0', 'c'],
      ['none', null],
      ['big', 2n ** 60n],
      ['dotted.key', 'd'],
    ]);
  });

  it('hold keys that objects have of themselves', () => {
    const options = BlockOptions.flatten(JSON.parse('{"__proto__": {"x": 1}, "constructor": 2}'));
    expect(options.take('__proto__.x')).toBe(1);
    expect(options.take('constructor')).toBe(2);
    expect(options.has('toString')).toBe(false);
  });

  it('refuses options that are nested too deeply', () => {
    const nested = (depth: number) => JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`) as object;
    expect(BlockOptions.flatten(nested(1000)).size).toBe(1);
    const tooDeep = expect.objectContaining({ code: 'EINVAL', message: expect.stringContaining('1024 deep') });
    expect(() => BlockOptions.flatten(nested(50_000))).toThrow(tooDeep);
  });

  it('sets, keeps and copies options', () => {
    const options = new BlockOptions([['a', 1]]);
    options.default('a', 2);
    options.default('b', 3);
    const copy = options.clone();
    copy.set('a', 4);
    expect([entriesOf(options), entriesOf(copy)]).toEqual([
      { a: 1, b: 3 },
      { a: 4, b: 3 },
    ]);
    expect([[...options.keys()], options.size, options.get('a'), options.get('c'), options.has('b')]).toEqual([
      ['a', 'b'],
      2,
      1,
      undefined,
      true,
    ]);
  });

  it('removes the options that are taken', () => {
    const options = new BlockOptions([['a', 1]]);
    expect([options.take('a'), options.take('a'), options.size]).toEqual([1, undefined, 0]);
  });

  it('takes options by their prefix', () => {
    const options = BlockOptions.flatten({ file: { a: 1, b: { c: 2 } }, filename: 'x', 'file.': 3 });
    expect([options.hasUnder('file'), options.hasUnder('fil'), options.hasUnder('filename')]).toEqual([
      true,
      false,
      false,
    ]);
    expect(entriesOf(options.takeUnder('file'))).toEqual({ a: 1, 'b.c': 2, '': 3 });
    expect(entriesOf(options)).toEqual({ filename: 'x' });
    expect(options.takeUnder('file').size).toBe(0);
  });
});

describe('lists', () => {
  it('takes lists item by item, up to the first that is missing', () => {
    const options = BlockOptions.flatten({ l: [{ a: 1 }, 'plain', { b: { c: 2 } }], 'l.4': 'beyond', list: 5 });
    expect(options.takeList('l').map(entriesOf)).toEqual([{ a: 1 }, { '': 'plain' }, { 'b.c': 2 }]);
    expect(entriesOf(options)).toEqual({ 'l.4': 'beyond', list: 5 });
    expect(options.takeList('l')).toEqual([]);
  });

  it('orders the items of a list by their numbers', () => {
    const options = new BlockOptions(Array.from({ length: 12 }, (_, index) => [`l.${11 - index}`, 11 - index]));
    expect(options.takeList('l').map((item) => item.take(''))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });
});

describe('texts, flags and words', () => {
  it('takes texts, flags and words', () => {
    expect([one('x').takeString('key'), one('').takeString('key'), one('x').takeString('other')]).toEqual([
      'x',
      '',
      undefined,
    ]);
    const flags = [true, false, 'on', 'off'] as const;
    expect(flags.map((value) => one(value).takeBoolean('key'))).toEqual([true, false, true, false]);
    expect([one('b').takeEnum('key', ['a', 'b']), one('b').takeEnum('x', ['a'])]).toEqual(['b', undefined]);
  });

  it.each<[OptionValue, 'takeString' | 'takeBoolean']>([
    [1, 'takeString'],
    [true, 'takeString'],
    [null, 'takeString'],
    [1n, 'takeString'],
    ['yes', 'takeBoolean'],
    ['', 'takeBoolean'],
    [1, 'takeBoolean'],
    [null, 'takeBoolean'],
  ])('the value %s is refused by %s', (value, taking) => {
    expect(() => one(value)[taking]('key')).toThrow(expect.objectContaining({ code: 'EINVAL', class: 'GenericError' }));
  });

  it('names the accepted words when it refuses another', () => {
    expect(() => one('c').takeEnum('key', ['a', 'b'])).toThrow("Option 'key' must be one of a, b, not 'c'");
    expect(() => one(1).takeEnum('key', ['1'])).toThrow('must be one of');
  });
});

describe('numbers', () => {
  it.each<[OptionValue, number]>([
    [5, 5],
    [-5, -5],
    [5n, 5],
    ['5', 5],
    ['-5', -5],
    ['0x10', 16],
    ['010', 8],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  ])('%s is the integer %d', (value, integer) => expect(one(value).takeInteger('key')).toBe(integer));

  it.each<[OptionValue, number]>([
    [512, 512],
    ['512', 512],
    ['64k', 65536],
    ['64K', 65536],
    ['1.5G', 1610612736],
    ['1T', 2 ** 40],
    ['0x200', 512],
    [512n, 512],
  ])('%s is the size %d', (value, size) => expect(one(value).takeSize('key')).toBe(size));

  it.each<OptionValue>(['', 'x', '1.5', '5k', 1.5, Number.NaN, Number.POSITIVE_INFINITY, true, null])(
    'the text %s is no integer',
    (value) => expect(() => one(value).takeInteger('key')).toThrow("Option 'key' must be an integer"),
  );

  it.each<OptionValue>(['', 'k', '5x', '1.5', '-5', 1.5, true, null])('the text %s is no size', (value) =>
    expect(() => one(value).takeSize('key')).toThrow("Option 'key' must be a size"),
  );

  it.each<OptionValue>([2n ** 53n, -(2n ** 53n), '0x20000000000000', 2 ** 53, '18446744073709551615'])(
    '%s is too large',
    (value) => expect(() => one(value).takeInteger('key')).toThrow("Option 'key' is too large"),
  );

  it('refuses numbers out of their range', () => {
    expect(() => one(-1).takeSize('key')).toThrow("Option 'key' is -1, but must be at least 0");
    expect(() => one('1M').takeSize('key', { most: 1024 })).toThrow('is 1048576, but must be between 0 and 1024');
    expect(() => one(4).takeInteger('key', { least: 5 })).toThrow('must be at least 5');
    expect(() => one(4).takeInteger('key', { most: 3 })).toThrow('must be at most 3');
    expect(() => one(4).takeInteger('key', { least: 1, most: 3 })).toThrow('between 1 and 3');
    expect(one(4).takeInteger('key', { least: 4, most: 4 })).toBe(4);
    expect(one(4).takeInteger('other', { least: 5 })).toBeUndefined();
  });

  it('property: are the same as a number, a bigint or text', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (integer) => {
        for (const value of [integer, BigInt(integer), String(integer)]) {
          expect(one(value).takeInteger('key')).toBe(integer);
        }
      }),
    );
  });
});

describe('property: flattening', () => {
  it('keeps each leaf under its path, and takeUnder is its inverse', () => {
    const key = fc.stringMatching(/^[a-z]{1,3}$/);
    const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
    fc.assert(
      fc.property(fc.dictionary(key, fc.dictionary(key, leaf, { minKeys: 1 })), (tree) => {
        const options = BlockOptions.flatten(tree);
        for (const [name, inner] of Object.entries(tree))
          expect(entriesOf(options.takeUnder(name))).toEqual({ ...inner });
        expect(options.size).toBe(0);
      }),
    );
  });
});
