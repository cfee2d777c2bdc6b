import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { escapeHtml, htmlOf } from '../../../generator/doc/html.js';
import { parseDocumentation } from '../../../generator/doc/parse.js';
import { anyDocumentation } from './any-documentation.js';

const link = (name: string): string => `<a href="${escapeHtml(name)}.html">${escapeHtml(name)}</a>`;

function html(...lines: string[]): string {
  return htmlOf(parseDocumentation(lines.join('\n')), { link, level: 2 }).replaceAll(/>\n/g, '>');
}

describe('documentation becomes HTML', () => {
  test.each([
    ['paragraphs', ['one', 'two', '', 'three'], '<p>one two</p><p>three</p>'],
    ['headings', ['= One ='], '<h2>One</h2>'],
    ['emphasis', ['*some* and **much ``code``**'], '<p><em>some</em> and <strong>much <code>code</code></strong></p>'],
    ['stars that are none', ['2 * 3 * 4, cylinders*heads, *open'], '<p>2 * 3 * 4, cylinders*heads, *open</p>'],
    ['literals', ['``a < b``'], '<p><code>a &lt; b</code></p>'],
    ['names', ['@Type and :qapi:event:`STOP`'], `<p>${link('Type')} and ${link('STOP')}</p>`],
    ['titles of places', [':doc:`The Book <the/book>`'], '<p>The Book</p>'],
    ['hyperlinks', ['`here <https://x.org/>`_'], '<p><a href="https://x.org/">here</a></p>'],
    [
      'bare addresses, without the full stop behind them',
      ['See https://x.org/a.b.'],
      '<p>See <a href="https://x.org/a.b">https://x.org/a.b</a>.</p>',
    ],
    ['hyperlinks that would run a script, as text', ['`x <javascript:y()>`_'], '<p>x</p>'],
    ['lists', ['- one', '  more', '- two'], '<ul><li>one more</li><li>two</li></ul>'],
    ['lists that start late', ['2) two', '3) three'], '<ol start="2"><li>two</li><li>three</li></ol>'],
    ['lists of two kinds', ['- one', '', '1) two'], '<ul><li>one</li></ul><ol><li>two</li></ol>'],
    [
      'definition lists',
      ['term', '  what it', '  means', 'next', '  more'],
      '<dl><dt>term</dt><dd>what it means</dd><dt>next</dt><dd>more</dd></dl>',
    ],
    ['prose that is indented where it goes on', ['This goes on,', '  like this.'], '<p>This goes on, like this.</p>'],
    [
      'literal blocks',
      ['so::', '', '  <a>', '    b'],
      '<p>so:</p><pre><code>&lt;a>\n  b</code></pre>'.replace('a>', 'a&gt;'),
    ],
    [
      'notes',
      ['.. note:: First.', '', '   Second.'],
      '<div class="admonition" role="note"><p><strong>Note:</strong> First.</p><p>Second.</p></div>',
    ],
    [
      'examples',
      ['.. qmp-example::', '   :title: Nice', '', '   -> { }'],
      '<figure><figcaption>Nice</figcaption><pre><code>-&gt; { }</code></pre></figure>',
    ],
    [
      'simple tables, whose cells go on in the next line',
      ['==  ====', 'a   b', '==  ====', '1   two', '    more', '3   *4*', '==  ===='],
      '<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>two more</td></tr><tr><td>3</td><td><em>4</em></td></tr></tbody></table>',
    ],
    [
      'grid tables',
      ['+---+---+', '| a | b |', '+===+===+', '| 1 | 2 |', '|   | 3 |', '+---+---+'],
      '<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>2 3</td></tr></tbody></table>',
    ],
    [
      'tables with cells of more than one column, as they are written',
      ['+---+---+', '| a     |', '+---+---+'],
      '<pre><code>+---+---+\n| a     |\n+---+---+</code></pre>',
    ],
  ])('%s', (_what, lines, expected) => {
    expect(html(...lines)).toBe(expected);
  });
});

/** An element that is printed, with its attributes. */
const element =
  /<(\/?)(p|h2|pre|code|table|thead|tbody|tr|th|td|ul|ol|li|dl|dt|dd|div|strong|em|a|figure|figcaption)((?: (?:class="admonition"|role="note"|start="\d+"|href="[^"<>]*"))*)>/g;

test('whatever the documentation says, its HTML has known elements only, all closed, and no scripts in addresses', () => {
  fc.assert(
    fc.property(anyDocumentation, (text) => {
      const printed = htmlOf(parseDocumentation(text), { link, level: 2 });
      const open: string[] = [];
      for (const [, closing, name] of printed.matchAll(element)) {
        if (closing) expect(open.pop()).toBe(name);
        else open.push(name as string);
      }
      expect(open).toEqual([]);
      expect(printed.replace(element, '')).not.toMatch(/[<>]/);
      expect(printed).not.toMatch(/href="\s*javascript/i);
    }),
    { numRuns: 500 },
  );
});
