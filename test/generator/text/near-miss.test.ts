import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nearMiss } from '../../../generator/text/near-miss.js';

describe('nearMiss', () => {
  test.each([
    ['BlockdevReff', ['BlockdevOptions', 'BlockdevRef'], 'BlockdevRef'],
    ['blockdevref', ['BlockdevRef'], 'BlockdevRef'],
    ['node_name', ['node', 'node-name'], 'node-name'],
    ['snyc', ['sync', 'speed'], 'sync'],
    ['int46', ['int16', 'int64'], 'int64'],
    ['a', ['b', 'ab'], undefined],
    ['IO', ['io'], 'io'],
    ['data', ['returns', 'boxed'], undefined],
    ['', ['x'], undefined],
    ['x', [], undefined],
  ])('%j among %j is %j', (word, candidates, expected) => {
    expect(nearMiss(word, candidates)).toBe(expected);
  });

  test('the word itself is its own nearest candidate', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string()), (word, others) => {
        expect(nearMiss(word, [...others, word])).toBe(word);
      }),
    );
  });

  test('one edit away is near enough for words of three letters and more', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{3,12}$/), fc.nat(), (word, place) => {
        const at = place % word.length;
        expect(nearMiss(word.slice(0, at) + word.slice(at + 1), [word])).toBe(word);
      }),
    );
  });
});
