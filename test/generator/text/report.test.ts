import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Diagnostic, diagnostic } from '../../../generator/text/diagnostic.js';
import { terminalColours } from '../../../generator/text/report/colours.js';
import { githubAnnotation } from '../../../generator/text/report/github.js';
import { diagnosticAsJson } from '../../../generator/text/report/json.js';
import { countOf, pretty } from '../../../generator/text/report/pretty.js';
import { SourceFile } from '../../../generator/text/source-file.js';

/** A diagnostic about the part of a text that stands between « and ». */
function about(marked: string, details: Parameters<typeof diagnostic>[3] = {}): Diagnostic {
  const start = marked.indexOf('«');
  const end = marked.indexOf('»') - 1;
  const file = new SourceFile('a.json', marked.replace(/[«»]/g, ''));
  return diagnostic('unknown-type', { role: "member 'x'", type: 'T' }, { file, start, end }, details);
}

/** The lines of the excerpt: the one with the text and the one with the marks, without the margin. */
function excerpt(marked: string): string[] {
  return pretty(about(marked))
    .split('\n')
    .slice(3, 5)
    .map((line) => line.slice(4));
}

describe('pretty', () => {
  test('marks the culprit below its line', () => {
    expect(excerpt("one\n{ 'x': «'T'» }\ntwo")).toEqual(["{ 'x': 'T' }", '       ^^^']);
  });

  test('marks something even where there is nothing', () => {
    expect(excerpt('one«»')).toEqual(['one', '   ^']);
    expect(excerpt('one\n«»')).toEqual(['', '^']);
    expect(excerpt('«»')).toEqual(['', '^']);
  });

  test('marks the first line of a culprit that has several', () => {
    expect(excerpt('a «b\nc» d')).toEqual(['a b', '  ^']);
  });

  test('keeps marks below what they mark: tabs, wide characters, combining characters', () => {
    expect(excerpt('\t«x»')).toEqual(['  x', '  ^']);
    expect(excerpt('日本«語»')).toEqual(['日本語', '    ^^']);
    expect(excerpt('e\u0301«x»')).toEqual(['e\u0301x', ' ^']);
  });

  test('shows a window of a long line', () => {
    const [text, marks] = excerpt(`${'a'.repeat(500)}«bad»${'c'.repeat(500)}`) as [string, string];
    expect(text).toHaveLength(142);
    expect(text).toMatch(/^…a{20}badc+…$/);
    expect(marks).toBe(`${' '.repeat(21)}^^^`);
  });

  test('lets nothing of the schema control the terminal', () => {
    const printed = pretty(about('\u001b[2J\u009b1m\u202e«x\u0007»'));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(printed).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });

  test('names the definition, hints and related places', () => {
    const { span } = about("{ 'struct': 'S',\n  'data': «{}» }");
    if (!span) throw new Error('a place was given');
    const whole = { file: span.file, start: 0, end: 9 };
    const found = { ...about('x'), span, definition: { name: 'S', span: whole }, hint: 'try this' };
    expect(pretty({ ...found, related: [{ message: 'it is here', span: whole }] })).toBe(
      "error[QAPI4001]: member 'x' has the type 'T', which is not defined\n" +
        " --> a.json:2:11 (in 'S', line 1)\n" +
        '  |\n' +
        "2 |   'data': {} }\n" +
        '  |           ^^\n' +
        '  = try this\n' +
        '  = a.json:1:1: it is here\n',
    );
  });

  test('prints only the message of a diagnostic without a place', () => {
    const { span: _, ...homeless } = about('«»');
    expect(pretty(homeless)).toBe("error[QAPI4001]: member 'x' has the type 'T', which is not defined\n");
  });

  test('prints the same text with colours', () => {
    const found = about("{ 'x': «'T'» }", { hint: 'a' });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are made of them
    expect(pretty(found, terminalColours).replace(/\u001b\[[\d;]*m/g, '')).toBe(pretty(found));
  });

  test('prints anything, one mark line below one text line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(), fc.nat(), (text, a, b) => {
        const [start = 0, end = 0] = [a % (text.length + 1), b % (text.length + 1)].sort((x, y) => x - y);
        const found = { ...about('«»'), span: { file: new SourceFile('f', text), start, end } };
        const lines = pretty(found).split('\n');
        expect(lines).toHaveLength(6);
        expect(lines[4]).toMatch(/^ *\| +\^+$/);
      }),
    );
  });
});

describe('countOf', () => {
  test('counts errors and warnings', () => {
    const error = about('«»');
    const warning = about('«»', { severity: 'warning' });
    expect(countOf([])).toBe('');
    expect(countOf([error])).toBe('1 error');
    expect(countOf([warning, error, error])).toBe('2 errors and 1 warning');
    expect(countOf([warning, warning])).toBe('2 warnings');
  });
});

describe('for tools', () => {
  test('omits members that have no value', () => {
    expect(diagnosticAsJson(about('a\n«bc»'), 'root.json')).toEqual({
      code: 'QAPI4001',
      severity: 'error',
      message: "member 'x' has the type 'T', which is not defined",
      file: 'a.json',
      line: 2,
      column: 1,
      endLine: 2,
      endColumn: 3,
    });
  });

  test('assigns a diagnostic without a place to the root', () => {
    const { span: _, ...homeless } = about('«»');
    expect(diagnosticAsJson(homeless, 'root.json')).toMatchObject({ file: 'root.json', line: 1, column: 1 });
  });

  test('an annotation is one line, whatever is in it', () => {
    const found = { ...about('«a\nb»'), message: '100%\r\nof: it, all', hint: 'so' };
    expect(githubAnnotation({ ...found, code: 'A,B:C' }, 'root.json')).toBe(
      '::error file=a.json,line=1,endLine=2,col=1,title=A%2CB%3AC::100%25%0D%0Aof: it, all%0Aso',
    );
  });
});
