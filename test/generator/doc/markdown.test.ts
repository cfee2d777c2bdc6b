import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codeSpan, markdownLines } from '../../../generator/doc/markdown.js';
import { parseDocumentation } from '../../../generator/doc/parse.js';
import { anyDocumentation } from './any-documentation.js';

const link = (name: string): string => (name === 'Type' ? '{@link Type}' : codeSpan(name));

function markdown(text: string): string {
  return apart(text).prose.join('\n');
}

/** The Markdown of a text, and that of its examples. */
function apart(text: string): { prose: string[]; examples: string[][] } {
  const examples: string[][] = [];
  return { prose: markdownLines(parseDocumentation(text), { link, width: 60, examples }), examples };
}

function lines(...parts: string[]): string {
  return parts.join('\n');
}

describe('inline markup', () => {
  test.each([
    ['names of members and values', 'set @some-name.', 'set `some-name`.'],
    ['names of types', 'a @Type, not an address at a@Type', 'a {@link Type}, not an address at a@Type'],
    ['literals', 'is ``--flag=*``', 'is `--flag=*`'],
    ['literals with backticks', 'is ``a`b``', 'is `` a`b ``'],
    ['interpreted text', 'run `do-it` on `Type`', 'run `do-it` on {@link Type}'],
    ['roles', ':cmd:`do-it`, :qapi:event:`DONE`, :ref:`a place`', '`do-it`, `DONE`, a place'],
    ['roles with titles', ':doc:`The Book <the/book>`', 'The Book'],
    ['hyperlinks', '`here <https://example.org/>`_', '[here](https://example.org/)'],
    ['references', 'see `there`_', 'see there'],
    ['emphasis', '*some* and **much**', '*some* and **much**'],
    ['angle brackets', '<file> if a < b', '\\<file> if a < b'],
    ['backslashes before angle brackets', '\\<b> and \\\\<b>', '\\\\\\<b> and \\\\\\\\\\<b>'],
    ['stray at signs', 'at @ and @ 5', 'at \\@ and \\@ 5'],
  ])('%s', (_what, text, expected) => {
    expect(markdown(text)).toBe(expected);
  });
});

describe('blocks', () => {
  test.each([
    ['paragraphs', lines('one', 'two', '', 'three'), lines('one two', '', 'three')],
    ['lists', lines('- one', '  more', '- two'), lines('- one more', '- two')],
    ['lists after text', lines('text:', '- one', '- two'), lines('text:', '- one', '- two')],
    ['loose lists', lines('* one', '', '* two'), lines('- one', '', '- two')],
    ['numbered lists', lines('1) one', '2) two', '#. three'), lines('1. one', '2. two', '1. three')],
    ['nested lists', lines('- one', '', '  - deep', '', '- two'), lines('- one', '', '  - deep', '', '- two')],
    [
      'literal blocks',
      lines('so::', '', '   a', '     b', '', 'end'),
      lines('so:', '', '```', 'a', '  b', '```', '', 'end'),
    ],
    ['bare literal blocks', lines('::', '', '  a'), lines('```', 'a', '```')],
    ['fences in literal blocks', lines('::', '', '  ```'), lines('````', '```', '````')],
    ['code blocks', lines('.. code-block:: json', '', '   {}'), lines('```json', '{}', '```')],
    ['notes', lines('.. note:: First', '   second.', '', '   Third.'), lines('**Note:** First second.', '', 'Third.')],
    ['notes with lists', lines('.. caution::', '', '   - a', '   - b'), lines('**Caution:**', '', '- a', '- b')],
    ['admonitions', lines('.. admonition:: Mind', '', '   This.'), '**Mind:** This.'],
    ['notes with a list after the text', lines('.. note::', '', '   Text:', '   - a'), lines('**Note:** Text:', '- a')],
    ['definition lists', lines('term', '  what it means'), '- **term**: what it means'],
    ['comments', lines('.. not shown', '   nor this', '', 'shown'), 'shown'],
    ['headings', lines('= One =', '', 'Two', '---'), lines('**One**', '', '**Two**')],
    [
      'tables',
      lines('==== ====', 'a    b', '==== ====', '1    2', '==== ===='),
      lines('```', '==== ====', 'a    b', '==== ====', '1    2', '==== ====', '```'),
    ],
    [
      'messages',
      lines('Thus:', '-> { "a": 1 }', '<- { }'),
      lines('Thus:', '', '```', '-> { "a": 1 }', '<- { }', '```'),
    ],
  ])('%s', (_what, text, expected) => {
    expect(markdown(text)).toBe(expected);
  });

  test('examples stand apart', () => {
    const { prose, examples } = apart(
      lines('Text.', '', '.. qmp-example::', '   :title: Nice', '', '   -> { }', '   <- { }', '', 'More.'),
    );
    expect(prose).toEqual(['Text.', '', 'More.']);
    expect(examples).toEqual([['Nice', '', '```', '-> { }', '<- { }', '```']]);
  });

  test('examples may explain themselves', () => {
    const text = lines(
      '.. qmp-example::',
      '   :annotated:',
      '',
      '   First this is sent::',
      '',
      '     -> { }',
      '',
      '   And this comes back::',
      '',
      '     <- { }',
    );
    expect(apart(text).examples).toEqual([
      ['First this is sent:', '', '```', '-> { }', '```', '', 'And this comes back:', '', '```', '<- { }', '```'],
    ]);
  });
});

describe('any text', () => {
  test('keeps the letters that it is made of', () => {
    const words = fc.array(fc.stringMatching(/^[a-z]{1,10}$/), { maxLength: 40 });
    fc.assert(
      fc.property(words, (parts) => {
        const text = parts.join('\n');
        expect(markdown(text).replace(/\s/g, '')).toBe(text.replace(/\s/g, ''));
      }),
    );
  });

  test('converts any text without failing', () => {
    fc.assert(
      fc.property(anyDocumentation, (text) => {
        expect(() => markdown(text)).not.toThrow();
      }),
    );
  });

  test('converts deeply nested text in time proportional to its length', () => {
    for (const marker of ['- ', '.. note:: ', '1. ']) expect(markdown(marker.repeat(20_000)).length).toBeGreaterThan(0);
    expect(markdown(`${'`a '.repeat(50_000)}`).length).toBeGreaterThan(0);
  });
});
