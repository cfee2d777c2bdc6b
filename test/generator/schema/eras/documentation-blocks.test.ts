import { describe, expect, test } from 'vitest';
import { isError, loadSchema, memoryHost } from '../../../../generator/index.js';
import { type Case, describeEras } from './eras.js';

const S = "{ 'struct': 'Ss', 'data': { 'x': 'int' } }";
const SF = "{ 'struct': 'Ss', 'data': { 'x': 'int' }, 'features': [ 'f' ] }";
const EV = "{ 'event': 'EV' }";

function lines(...text: string[]): string {
  return `${text.join('\n')}\n`;
}

/** A struct with the member `x`, and lines of documentation after `@Ss:`. */
function block(text: readonly string[], definition = S): string {
  return lines('##', '# @Ss:', '#', ...text, '##', definition);
}

const comments: readonly Case[] = [
  [
    'a blank after the opening mark',
    lines('⟦## ⟧', '# @EV:', '##', EV),
    { '2.4': 'accepted', '2.9': 'text-after-doc-mark' },
  ],
  ['text after the opening mark', lines('⟦## @EV:⟧', '##', EV), { '2.4': 'accepted', '2.9': 'text-after-doc-mark' }],
  ['a third # at the end', lines('##', '# @EV:', '⟦###⟧', EV), { '2.4': 'accepted', '2.9': 'text-after-doc-mark' }],
  ['indented and with empty lines', lines('   ##', '', '  # @EV:', '', ' ##', EV), { '2.4': 'accepted' }],
  [
    'closed by a definition',
    lines('##', '# @EV:', "⟦{⟧ 'event': 'EV' }"),
    { '2.4': 'accepted', '2.9': 'unclosed-documentation' },
  ],
  ['closed by the end of the file', '##\n# @EV:⟦\n⟧', { '2.4': 'accepted', '2.9': 'unclosed-documentation' }],
  ['no blank after #', lines('##', '⟦#@EV:⟧', '##', EV), { '2.4': 'accepted', '2.9': 'doc-without-blank' }],
  ['a tab after #', lines('##', '# @EV:', '⟦#\tx⟧', '##', EV), { '2.4': 'accepted', '2.9': 'doc-without-blank' }],
  [
    'no definition follows',
    lines('⟦##', '# @EV:', '##⟧'),
    { '2.4': 'accepted', '2.9': 'documentation-without-definition' },
  ],
  [
    'another block follows',
    lines('⟦##', '# @EV:', '##⟧', '##', '# @EV:', '##', EV),
    { '2.4': 'accepted', '2.9': 'documentation-without-definition' },
  ],
  [
    'a definition follows that is not named',
    lines('⟦##', '# Text.', '##⟧', '⟦# plain⟧', EV),
    {
      '2.4': 'accepted',
      '2.9': 'documentation-without-symbol',
      '9.0': ['comment-after-documentation', 2],
      '9.1': 'documentation-without-symbol',
    },
  ],
  [
    'an empty block before a definition',
    lines('⟦##', '##⟧', EV),
    { '2.4': 'accepted', '2.9': 'documentation-without-symbol' },
  ],
  ['blocks of text', lines('##', '# Text.', '##', '##', '# More.', '##'), { '2.4': 'accepted' }],
  ['a plain comment between block and definition', lines('##', '# @EV:', '##', EV), { '2.4': 'accepted' }],
];

const symbols: readonly Case[] = [
  [
    'a blank at the end',
    lines('##', '⟦# @EV: ⟧', '##', EV),
    { '2.4': 'accepted', '2.9': 'symbol-without-colon', '9.0': 'accepted' },
  ],
  ['text behind', lines('##', '⟦# @EV: text⟧', '##', EV), { '2.4': 'accepted', '2.9': 'symbol-without-colon' }],
  ['no name', lines('##', '⟦# @:⟧', '##', EV), { '2.4': 'accepted', '2.9': 'missing-symbol' }],
  [
    'indented',
    lines('⟦##', '⟦#  @EV:⟧', '##⟧', EV),
    { '2.4': 'accepted', '2.9': ['description-in-free-form', 2], '5.2': 'documentation-without-symbol' },
  ],
  [
    'not in the first line',
    lines('##', '#', '⟦# @EV:⟧', '##', EV),
    { '2.4': 'accepted', '2.9': 'description-in-free-form' },
  ],
];

const wide = 'x'.repeat(68);

const lineFormat: readonly Case[] = [
  ['70 characters', block(['# @x: text', '#', `# ${wide}`]), { '2.4': 'accepted' }],
  [
    '71 characters',
    block([`⟦# ${wide}x⟧`, '#', '# @x: text']),
    { '2.4': 'accepted', '10.2': 'long-documentation-line' },
  ],
  [
    '70 characters of several bytes and code units, and blanks behind them',
    block(['# @x: text', '#', `# é😀${wide.slice(2)}  `]),
    { '2.4': 'accepted' },
  ],
  ['70 characters behind an indentation', lines('##', '# Text.', `     # ${wide}`, '##'), { '2.4': 'accepted' }],
  ['a URL in a line of its own', block(['# @x: text', `#     ftp://example.org/${wide}`]), { '2.4': 'accepted' }],
  [
    'a URL with text',
    block([`⟦# (ftp://example.org/${wide}⟧`, '#', '# @x: text']),
    { '2.4': 'accepted', '10.2': 'long-documentation-line' },
  ],
  [
    'a wide line that also has one blank after a sentence',
    block([`⟦# A. B ${wide}⟧`, '#', '# @x: text']),
    { '2.4': 'accepted', '10.2': 'long-documentation-line' },
  ],
  [
    'one blank after a sentence',
    block(['# Text, more.⟦ ⟧Text. Even more.', '#', '# @x: text']),
    { '2.4': 'accepted', '10.2': 'one-blank-after-sentence' },
  ],
  [
    'one blank after a question in free text',
    lines('##', '# Text?⟦ ⟧(Yes.)', '##'),
    { '2.4': 'accepted', '10.2': 'one-blank-after-sentence' },
  ],
  [
    'one blank in a section that is wrong itself',
    block(['# @x: text', '#', '# Since: 1.0', '#', '⟦# Since: 2.⟦ ⟧Not before.⟧']),
    { '2.4': 'accepted', '2.9': 'repeated-section', '10.2': ['one-blank-after-sentence', 2] },
  ],
  [
    'a wrong section before one blank',
    block(['# @x: text', '#', '# Since: 1.0', '#', '⟦# Since: 2.0⟧', '#', '# Text. More.']),
    { '2.4': 'accepted', '2.9': 'repeated-section' },
  ],
  [
    'abbreviations, numbers, small letters and two blanks',
    block(['# Things, e.g. This one, in v. small numbers.  More.', '#', '#  1. First', '#', '# @x: text']),
    { '2.4': 'accepted' },
  ],
  [
    'literal text, with an indented mark and after a first line that is blank',
    block(['#  ::', '#', '#    A. B', `#     ${wide}`, '#', '#    A. B', '#', '# Text.  More.', '#', '# @x: text']),
    { '2.4': 'accepted' },
  ],
  [
    'less indentation after literal text',
    block(['# .. qmp-example::', '#', '#    A. B', '#   C.⟦ ⟧D', '#', '# @x: text']),
    { '2.4': 'accepted', '10.2': 'one-blank-after-sentence' },
  ],
  [
    'text after something like a mark',
    block(['# See::', '#', '#    A.⟦ ⟧B', '#', '# @x: text']),
    { '2.4': 'accepted', '10.2': 'one-blank-after-sentence' },
  ],
  [
    'literal text at the end of another comment',
    lines('##', '# ::', '#', '#  A. B', '##', '##', '#   A.⟦ ⟧B', '##'),
    { '2.4': 'accepted', '10.2': 'one-blank-after-sentence' },
  ],
];

const introductions: readonly Case[] = [
  [
    'a member directly below',
    lines('##', '# @Ss:', '#     Text', '#     and more', '# @x: text', '##', S.replace("'x'", "⟦'x'⟧")),
    { '2.4': 'accepted', '9.0': 'undescribed-member', '11.1': 'accepted' },
  ],
  [
    'a line with less indentation directly below the first',
    block(['#   Text', '⟦#  less⟧', '#', '# @x: text']),
    { '2.4': 'accepted', '11.1': 'unexpected-dedent' },
  ],
  [
    'less indentation below the second line',
    block(['#   Text', '#   more', '# less', '#', '# @x: text']),
    { '2.4': 'accepted' },
  ],
  ['less indentation below a blank line', block(['#   Text', '#', '# less', '#', '# @x: text']), { '2.4': 'accepted' }],
  [
    'a section below the second line',
    block(['#   Text', '#   more', '# ⟦Returns: text⟧'], "{ 'struct': 'Ss', 'data': {} }"),
    { '2.4': 'accepted', '2.9': 'not looked at', '9.0': 'accepted', '11.1': 'section-of-commands' },
  ],
];

const sections: readonly Case[] = [
  [
    'a description without blank',
    block(['⟦# @x:text⟧']),
    { '2.4': 'accepted', '2.9': 'description-in-free-form', '8.1': 'accepted' },
  ],
  [
    'an indented description',
    block(['⟦#   @x: text⟧', '#', '# @x: text']),
    { '2.4': 'accepted', '2.9': 'description-in-free-form', '5.2': 'accepted' },
  ],
  [
    'a description without name',
    block(['⟦# @: text⟧', '#', '# @x: text']),
    { '2.4': 'accepted', '2.9': 'description-without-name' },
  ],
  ['a description twice', block(['# @x: text', '⟦# @x: text⟧']), { '2.4': 'accepted', '2.9': 'repeated-description' }],
  [
    'an empty description, found when it ends',
    lines('##', '# @Ss:', '#', '# ⟦@x:⟧', '#', '⟦# Since: 1.0⟧', '##', S),
    { '2.4': 'accepted', '2.9': ['empty-section', 2], '9.0': 'empty-section' },
  ],
  [
    'a description after a section',
    block(['# Since: 1.0', '#', '⟦# @x: text⟧']),
    { '2.4': 'accepted', '2.9': 'description-after-section' },
  ],
  [
    'a description after text after descriptions',
    block(['# @x: text', '#', '# More.', '#', '⟦# @y: text⟧']),
    { '2.4': 'accepted', '2.9': 'description-after-section' },
  ],
  ['a description after text', block(['# Text.', '#', '# @x: text']), { '2.4': 'accepted' }],
  [
    'a section twice',
    block(['# @x: text', '#', '# Since: 1.0', '#', '⟦# Since: 2.0⟧']),
    { '2.4': 'accepted', '2.9': 'repeated-section' },
  ],
  [
    'a section twice, in a paragraph',
    block(['# @x: text', '#', '# Text.', '# Since: 1.0', '⟦# Since: 2.0⟧']),
    { '2.4': 'accepted', '2.9': 'repeated-section', '9.0': 'accepted' },
  ],
  [
    'a tag without blank',
    block(['# @x: text', '#', '# Since:1.0', '#', '⟦# Since: 2.0⟧']),
    { '2.4': 'accepted', '8.1': 'repeated-section' },
  ],
  ['a note', block(['# @x: text', '#', '⟦# Note: text⟧']), { '2.4': 'accepted', '9.1': 'outdated-section' }],
  ['a note as markup', block(['# @x: text', '#', '# Note:: text']), { '2.4': 'accepted' }],
  [
    'an example',
    block(['# @x: text', '#', '⟦# Example:⟧', '#', '#   text']),
    { '2.4': 'accepted', '9.1': 'outdated-section' },
  ],
  [
    'errors of a struct',
    block(['# @x: text', '#', '# ⟦Errors: text⟧']),
    { '2.4': 'accepted', '9.0': 'section-of-commands' },
  ],
  [
    'the marker of optional members',
    block(['# @x: ⟦#optional⟧ text']),
    { '2.4': 'accepted', '2.9': 'optional-marker', '2.12': 'accepted' },
  ],
  [
    'returns of a command without',
    lines('##', '# @c:', '#', '# ⟦Returns: text⟧', '##', "{ 'command': 'c' }"),
    { '2.4': 'accepted', '9.0': 'returns-nothing' },
  ],
  [
    'a member that is not described',
    block(['# Text.'], "{ 'struct': 'Ss', 'data': { ⟦'x'⟧: 'int' } }"),
    { '2.4': 'accepted', '9.0': 'undescribed-member' },
  ],
  [
    'a description in text',
    lines('##', '# Text.', '⟦# @x: text⟧', '##'),
    { '2.4': 'accepted', '2.9': 'description-in-free-form' },
  ],
  [
    'an indented description in text',
    lines('##', '# Text.', '⟦#  @x: text⟧', '##'),
    { '2.4': 'accepted', '2.9': 'description-in-free-form', '5.2': 'accepted' },
  ],
  [
    'a description with blanks in text',
    lines('##', '# Text.', '⟦# @x y: text⟧', '##'),
    { '2.4': 'accepted', '9.0': 'description-in-free-form' },
  ],
  [
    'a description in a description',
    block(['# @x: text', '⟦#     @y: text⟧']),
    { '2.4': 'accepted', '2.9': 'description-in-free-form', '5.2': 'accepted' },
  ],
];

const indentation: readonly Case[] = [
  [
    'less than the text behind the colon',
    block(['# @x: text', '⟦#   more⟧']),
    { '2.4': 'accepted', '5.2': 'unexpected-dedent', '8.1': 'accepted' },
  ],
  ['none', block(['# @x: text', '⟦# more⟧']), { '2.4': 'accepted', '5.2': 'unexpected-dedent', '8.1': 'accepted' }],
  ['like the text behind the colon', block(['# @x: text', '#     more']), { '2.4': 'accepted' }],
  [
    'less than the line before',
    block(['# @x:', '#   text', '⟦#  more⟧']),
    { '2.4': 'accepted', '8.1': 'unexpected-dedent' },
  ],
  [
    'less than the line before the blank one',
    block(['# @x:', '#   text', '#', '⟦#  more⟧']),
    { '2.4': 'accepted', '8.1': 'unexpected-dedent', '9.0': 'accepted' },
  ],
];

const headings: readonly Case[] = [
  [
    'in a definition block',
    block(['# @x: text', '#', '⟦# = Title⟧']),
    { '2.4': 'accepted', '5.2': 'misplaced-heading', '10.1': 'accepted' },
  ],
  [
    'in a paragraph of a definition block',
    block(['# Text.', '⟦# = Title⟧', '#', '# @x: text']),
    { '2.4': 'accepted', '5.2': 'misplaced-heading', '9.0': 'accepted' },
  ],
  [
    'in the middle of text',
    lines('##', '# Text.', '⟦# = Title⟧', '##'),
    { '2.4': 'accepted', '9.0': 'misplaced-heading', '10.1': 'accepted' },
  ],
  ['first in text', lines('##', '# = Title', '##'), { '2.4': 'accepted' }],
];

const features: readonly Case[] = [
  [
    'described',
    block(['# @x: text', '#', '# Features:', '⟦# @f: text⟧'], SF),
    { '2.4': 'not looked at', '2.9': 'description-after-section', '4.1': 'accepted' },
  ],
  [
    'described before members',
    lines('##', '# @Ss:', '# Features:', '# @f: text', '##', "{ 'struct': 'Ss', 'data': {}, 'features': [ 'f' ] }"),
    { '2.4': 'not looked at', '4.1': 'accepted' },
  ],
  [
    'not described',
    block(['# @x: text'], SF.replace("'f'", "⟦'f'⟧")),
    { '2.4': 'not looked at', '4.1': 'accepted', '4.2': 'undescribed-feature' },
  ],
  [
    'described but missing',
    block(['# @x: text', '#', '# Features:', '⟦# ⟦@f⟧: text⟧']),
    {
      '2.4': 'accepted',
      '2.9': 'description-after-section',
      '4.1': 'accepted',
      '4.2': ['described-feature-missing', 2],
    },
  ],
  [
    'without description',
    block(['# @x: text', '#', '# Features:', '#', '⟦# Since: 1.0⟧']),
    { '2.4': 'accepted', '9.0': 'features-without-description' },
  ],
  [
    'twice',
    block(['# @x: text', '#', '# Features:', '# @f: text', '#', '⟦# Features:⟧', '⟦# @g: text⟧'], SF),
    { '2.4': 'not looked at', '4.1': ['description-after-section', 2], '9.0': 'repeated-section' },
  ],
  [
    'after a section',
    block(['# @x: text', '#', '# Since: 1.0', '#', '⟦# Features:⟧', '⟦# @f: text⟧'], SF),
    {
      '2.4': 'not looked at',
      '2.9': ['description-after-section', 2],
      '5.2': 'unexpected-dedent',
      '8.1': ['description-after-section', 2],
      '9.0': 'accepted',
    },
  ],
];

describeEras('documentation comments', comments);
describeEras('what a block describes', symbols);
describeEras('lines of documentation', lineFormat);
describeEras('introductions', introductions);
describeEras('sections', sections);
describeEras('indentation', indentation);
describeEras('headings', headings);
describeEras('descriptions of features', features);

describe('the line that the reference names', () => {
  test.each([
    [
      'a missing member: up to 8.2 the block, then the description',
      block(['# @x: text', '# @y: text']),
      [
        ['2.9', 1],
        ['8.2', 1],
        ['9.0', 5],
      ],
    ],
    [
      'a missing feature: up to 8.2 the block, then the description',
      block(['# @x: text', '#', '# Features:', '# @f: text']),
      [
        ['4.2', 1],
        ['8.2', 1],
        ['9.0', 7],
      ],
    ],
    [
      'Returns of an event: up to 8.2 the block, then the section',
      lines('##', '# @EV:', '#', '# Returns: x', '##', EV),
      [
        ['2.9', 1],
        ['8.2', 1],
        ['9.1', 4],
      ],
    ],
    [
      '#optional: the block',
      block(['# @x: #optional']),
      [
        ['2.9', 1],
        ['2.11', 1],
      ],
    ],
    [
      'no definition: the block',
      lines('', '##', '# @EV:', '##'),
      [
        ['2.9', 2],
        ['10.1', 2],
      ],
    ],
    [
      'another symbol: the definition',
      lines('##', '# @OTHER:', '##', EV),
      [
        ['2.9', 4],
        ['10.1', 4],
      ],
    ],
    [
      'a member not described: the definition',
      block(['# Text.']),
      [
        ['9.0', 6],
        ['10.1', 6],
      ],
    ],
    [
      'a feature not described: the definition',
      block(['# @x: text'], SF),
      [
        ['4.2', 6],
        ['10.1', 6],
      ],
    ],
  ] as const)('%s', async (_title, text, expected) => {
    for (const [dialect, line] of expected) {
      const { diagnostics } = await loadSchema('schema.json', { dialect, host: memoryHost({ 'schema.json': text }) });
      const first = diagnostics.find(isError);
      const places = [first?.definition?.span, first?.span].map((span) => span?.file.lineAt(span.start));
      expect({ dialect, places }).toEqual({ dialect, places: expect.arrayContaining([line]) });
    }
  });
});
