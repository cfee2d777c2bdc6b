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
  ])('the near miss of %s is %s', (name, expected) => {
    expect(nearMiss(name, types)).toBe(expected);
  });

  it('suggests the nearest of several names, and never the name itself', () => {
    expect(nearMiss('abcdef', ['abcxyf', 'abcdxf', 'abxxef'])).toBe('abcdxf');
    expect(nearMiss('size', ['size'])).toBeUndefined();
  });

  it('asks about the near miss in the message', () => {
    expect(didYouMean('sise', types)).toBe("did you mean 'size'?");
    expect(didYouMean('x', types)).toBeUndefined();
  });
});
