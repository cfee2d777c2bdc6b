import fc from 'fast-check';
import { expect, test } from 'vitest';
import { wrap } from '../../../generator/doc/wrap.js';

test('breaks between words', () => {
  expect(wrap('one two three four', 9)).toEqual(['one two', 'three', 'four']);
});

test('leaves a word whole that is too long for a line', () => {
  expect(wrap('a muchlongerword b', 6)).toEqual(['a', 'muchlongerword', 'b']);
});

test('does not tear code spans and links apart', () => {
  expect(wrap('see `a b c` there', 8)).toEqual(['see', '`a b c`', 'there']);
  expect(wrap('see {@link Type | name} there', 10)).toEqual(['see', '{@link Type | name}', 'there']);
});

test('does not start a line with what Markdown would take for a list or a heading', () => {
  expect(wrap('take 5 - 3 and # of 2. items', 7)).toEqual(['take', '5 - 3', 'and #', 'of 2.', 'items']);
});

test('keeps every word, in order', () => {
  const word = fc.stringMatching(/^[\w`@{}*#.-]{1,12}$/);
  fc.assert(
    fc.property(fc.array(word, { maxLength: 60 }), fc.integer({ min: 1, max: 40 }), (words, width) => {
      const text = words.join(' ');
      expect(wrap(text, width).join(' ')).toBe(text);
    }),
  );
});
