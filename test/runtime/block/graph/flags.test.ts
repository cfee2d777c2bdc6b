import { describe, expect, it } from 'vitest';
import {
  inherited,
  type OpenFlags,
  rootDefaults,
  takeDetectZeroes,
  takeFlags,
} from '../../../../runtime/block/graph/flags.js';
import { BlockOptions } from '../../../../runtime/block/options.js';

const all: OpenFlags = {
  readOnly: false,
  direct: true,
  noFlush: true,
  unmap: false,
  noBacking: true,
  noIo: true,
  forceShare: false,
  autoReadOnly: true,
  dormant: false,
};

describe('what a child inherits', () => {
  it.each(['protocol', 'format'] as const)(
    '%s: caches and whether it is written; discards are meant for it',
    (role) => {
      expect(inherited(all, role)).toEqual({
        readOnly: false,
        direct: true,
        noFlush: true,
        unmap: true,
        noBacking: false,
        noIo: false,
        forceShare: false,
        dormant: false,
        autoReadOnly: true,
      });
      expect(inherited({ ...all, readOnly: true, forceShare: true }, role).forceShare).toBe(true);
      expect(inherited({ ...rootDefaults, readOnly: true }, role)).toMatchObject({ readOnly: true });
    },
  );

  it('backing: everything, but it is not written', () => {
    expect(inherited(all, 'backing')).toEqual({ ...all, readOnly: true, autoReadOnly: false });
  });
});

describe('options that every node has', () => {
  const take = (entries: [string, string | boolean][], base = rootDefaults) => {
    const options = new BlockOptions(entries);
    const flags = takeFlags(options, base);
    expect(options.size).toBe(0);
    return flags;
  };

  it('flags are off by default', () => {
    expect(take([])).toEqual(rootDefaults);
    expect(take([], all)).toEqual(all);
  });

  it('share everything with other programs only where nothing is written', () => {
    const forced: [string, string][] = [['force-share', 'on']];
    expect(take([...forced, ['read-only', 'on']]).forceShare).toBe(true);
    expect(() => take(forced)).toThrow('force-share=on can only be used with read-only images');
  });

  it('options override inherited flags', () => {
    expect(
      take([
        ['read-only', true],
        ['cache.direct', 'on'],
        ['cache.no-flush', true],
        ['discard', 'unmap'],
      ]),
    ).toEqual({ ...rootDefaults, readOnly: true, direct: true, noFlush: true, unmap: true });
    expect(
      take(
        [
          ['read-only', 'off'],
          ['cache.direct', false],
          ['cache.no-flush', false],
          ['discard', 'ignore'],
        ],
        { ...all, readOnly: true, unmap: true },
      ),
    ).toEqual({ ...all, direct: false, noFlush: false, unmap: false });
  });

  it.each([
    ['on', true],
    ['off', false],
    ['unmap', true],
    ['ignore', false],
  ])('discard=%s', (value, unmap) => expect(take([['discard', value]]).unmap).toBe(unmap));

  it.each([
    ['discard', 'maybe'],
    ['read-only', 'yes'],
    ['cache.direct', '1'],
    ['cache.no-flush', ''],
  ])('refuses %s=%s', (key, value) => {
    expect(() => takeFlags(new BlockOptions([[key, value]]), rootDefaults)).toThrow(`Option '${key}'`);
  });
});

describe('detect-zeroes', () => {
  const take = (value: string | undefined, unmap: boolean) =>
    takeDetectZeroes(new BlockOptions(value === undefined ? [] : [['detect-zeroes', value]]), {
      ...rootDefaults,
      unmap,
    });

  it('unmaps only where the node does', () => {
    expect([take(undefined, true), take('off', false), take('on', false), take('unmap', true)]).toEqual([
      'off',
      'off',
      'on',
      'unmap',
    ]);
    expect(() => take('unmap', false)).toThrow('without setting discard operation to unmap');
    expect(() => take('never', true)).toThrow("Option 'detect-zeroes'");
  });
});
