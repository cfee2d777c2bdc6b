import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDocumentation } from '../../../generator/doc/parse.js';
import { firstSentence, plainText } from '../../../generator/doc/plain-text.js';
import { anyDocumentation } from './any-documentation.js';

test('the words of documentation come without its markup', () => {
  const text = [
    'See @Type, *really*.',
    '',
    '- ``one``',
    '',
    '.. note:: Two.',
    '',
    '.. qmp-example::',
    '   :title: Three',
    '',
    '   -> { }',
  ].join('\n');
  expect(plainText(parseDocumentation(text))).toBe('See Type, really. one Note Two. Three -> { }');
});

test.each([
  ['Reads a file. Then more.', 'Reads a file.'],
  ['Takes a host, e.g. Linux 5.4. More.', 'Takes a host, e.g. Linux 5.4.'],
  ['No full stop', 'No full stop'],
  ['- a list', ''],
])('the first sentence of "%s" is "%s"', (text, sentence) => {
  expect(firstSentence(parseDocumentation(text))).toBe(sentence);
});

test('every documentation has words, and none takes long', () => {
  fc.assert(fc.property(anyDocumentation, (text) => typeof plainText(parseDocumentation(text)) === 'string'));
  expect(firstSentence(parseDocumentation(`${'a. '.repeat(50_000)}`)).length).toBeGreaterThan(0);
});
