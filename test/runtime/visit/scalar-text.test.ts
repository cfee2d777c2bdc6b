import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBoolean, readInteger, readNumber, readSize, readUnsigned } from '../../../runtime/visit/scalar-text.js';

describe('readBoolean', () => {
  it('reads exactly eight words as booleans', () => {
    expect(['on', 'yes', 'true', 'y'].map(readBoolean)).toEqual([true, true, true, true]);
    expect(['off', 'no', 'false', 'n'].map(readBoolean)).toEqual([false, false, false, false]);
    expect(['On', 'YES', '1', '', ' on', 't'].map(readBoolean)).toEqual(Array(6).fill(undefined));
  });
});

describe('readInteger', () => {
  it.each<[string, bigint | undefined]>([
    ['0', 0n],
    ['017', 15n],
    ['0x1F', 31n],
    [' \t-12', -12n],
    ['+5', 5n],
    ['99999999999999999999', 99999999999999999999n],
    ['', undefined],
    ['-', undefined],
    ['08', undefined],
    ['0x', undefined],
    ['1 ', undefined],
    ['1k', undefined],
    ['1.0', undefined],
    ['- 1', undefined],
  ])('reads %j', (text, value) => expect(readInteger(text)).toBe(value));

  it('reads what BigInt prints', () => {
    fc.assert(
      fc.property(fc.bigInt(), (value) => {
        expect(readInteger(String(value))).toBe(value);
      }),
    );
  });
});

describe('readUnsigned', () => {
  it.each<[string, bigint | undefined]>([
    ['-1', 2n ** 64n - 1n],
    ['18446744073709551615', 2n ** 64n - 1n],
    ['18446744073709551616', undefined],
    ['-18446744073709551615', 1n],
    ['-18446744073709551616', undefined],
  ])('reads %j', (text, value) => expect(readUnsigned(text)).toBe(value));
});

describe('readNumber', () => {
  it.each<[string, number | undefined]>([
    ['1.5', 1.5],
    ['.5', 0.5],
    ['5.', 5],
    ['-1e3', -1000],
    [' +2', 2],
    ['0x10', 16],
    ['0x1.8p1', 3],
    ['-0X.8', -0.5],
    ['1e999', undefined],
    ['inf', undefined],
    ['nan', undefined],
    ['', undefined],
    ['.', undefined],
    ['0x', undefined],
    ['0x.', undefined],
    ['1x', undefined],
  ])('reads %j', (text, value) => expect(readNumber(text)).toBe(value));
});

describe('readSize', () => {
  it.each<[string, bigint | undefined]>([
    ['0', 0n],
    ['010', 10n],
    ['1b', 1n],
    ['1k', 1024n],
    ['1K', 1024n],
    ['1.5k', 1536n],
    ['0.1G', 107374182n],
    ['1.k', 1024n],
    ['0.00048828125k', 1n],
    [' +3T', 3n * 2n ** 40n],
    ['0x1F', 31n],
    ['18446744073709551615', 2n ** 64n - 1n],
    ['15.9999999999999999999E', undefined],
    ['16E', undefined],
    ['1.5', undefined],
    ['1.5b', undefined],
    ['.5k', undefined],
    ['-0', undefined],
    ['1Ki', undefined],
    ['1kB', undefined],
    ['1e3', undefined],
    ['0x1k', undefined],
    ['0x1.8k', undefined],
    ['', undefined],
    ['1 k', undefined],
  ])('reads %j', (text, value) => expect(readSize(text)).toBe(value));
});
