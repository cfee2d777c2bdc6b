import { describe, expect, it } from 'vitest';
import { didYouMean, nearMiss } from '../../../generator/text/near-miss.js';

const types = ['BlockdevRef', 'BlockdevOptions', 'int8', 'uint8', 'str', 'size', 'node-name'];

describe('the near miss', () => {
  it.each([
    ['BlockdefRef', 'BlockdevRef'],
    ['BlokdevRef', 'BlockdevRef'],
    ['BlockdevRfe', 'BlockdevRef'],
    ['blockdev_ref', 'BlockdevRef'],
    ['BlockdevOption', 'BlockdevOptions'],
    ['nodename', 'node-name'],
    ['node_name', 'node-name'],
    ['sise', 'size'],
    ['string', undefined],
    ['x', undefined],
    ['', undefined],
    ['QuiteSomethingElse', undefined],
  ])('of %s is %s', (name, expected) => {
    expect(nearMiss(name, types)).toBe(expected);
  });

  it('is the nearest of several, and never the name itself', () => {
    expect(nearMiss('abcdef', ['abcxyf', 'abcdxf', 'abxxef'])).toBe('abcdxf');
    expect(nearMiss('size', ['size'])).toBeUndefined();
  });

  it('is asked about', () => {
    expect(didYouMean('sise', types)).toBe("did you mean 'size'?");
    expect(didYouMean('x', types)).toBeUndefined();
  });
});
