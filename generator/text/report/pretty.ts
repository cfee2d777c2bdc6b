import type { Diagnostic, EnclosingDefinition } from '../diagnostic.js';
import type { ColumnRule, Span } from '../source-file.js';
import { type Colours, noColours } from './colours.js';

/** The most of a line that is shown. Schemas written by programs may have everything on one. */
const widest = 140;

/**
 * A diagnostic as people read it: what is wrong and where, with the line and the culprit marked in it.
 *
 *     error[QAPI4001]: member 'size' of struct 'Disk' has the type 'sise', which is not defined
 *       --> schema.json:1:42
 *       |
 *     1 | { 'struct': 'Disk', 'data': { 'size': 'sise' } }
 *       |                                       ^^^^^^
 *       = did you mean 'size'?
 */
export function pretty(diagnostic: Diagnostic, colours: Colours = noColours): string {
  const { severity, code, message, span, columns, definition, hint, related } = diagnostic;
  const head = `${colours[severity](`${severity}[${code}]`)}${colours.strong(`: ${visible(message)}`)}\n`;
  const note = hint === undefined ? '' : visible(hint);
  if (!span) return note === '' ? head : `${head}  = ${colours.hint(note)}\n`;

  const line = span.file.lineAt(span.start);
  const margin = ' '.repeat(String(line).length);
  const { text, mark } = excerpt(span, line);
  const bar = colours.faint('|');
  const where = definition ? definitionNote(definition, line) : '';
  return [
    `${head}${margin}${colours.faint(`--> ${place(span, columns)}${where}`)}`,
    `${margin} ${bar}`,
    `${colours.faint(`${line} |`)} ${text}`.trimEnd(),
    `${margin} ${bar} ${mark.before}${colours[severity](mark.carets)}`,
    ...(note === '' ? [] : [`${margin} ${colours.faint('=')} ${colours.hint(note)}`]),
    ...related.map(
      (other) => `${margin} ${colours.faint(`= ${place(other.span, 'character')}:`)} ${visible(other.message)}`,
    ),
    '',
  ].join('\n');
}

/** `3 errors and 1 warning`; empty when there is nothing to count. */
export function countOf(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
  const parts = [
    [errors, 'error'],
    [diagnostics.length - errors, 'warning'],
  ] as const;
  return parts
    .filter(([number]) => number > 0)
    .map(([number, what]) => `${number} ${what}${number === 1 ? '' : 's'}`)
    .join(' and ');
}

/** Which definition it is, for a culprit that stands further down in it. */
function definitionNote({ name, span }: EnclosingDefinition, line: number): string {
  const start = span.file.lineAt(span.start);
  return name === undefined || start === line ? '' : ` (in '${visible(name)}', line ${start})`;
}

function place({ file, start }: Span, columns: ColumnRule): string {
  const { line, column } = file.positionAt(start, columns);
  return `${visible(file.path)}:${line}:${column}`;
}

/** The first line of a span as it is shown, and what marks the span below it. */
function excerpt(span: Span, line: number): { text: string; mark: { before: string; carets: string } } {
  const whole = span.file.lineText(line);
  const lineStart = span.file.lineStarts[line - 1] ?? 0;
  const from = Math.min(span.start - lineStart, whole.length);
  const to = Math.max(from, Math.min(span.end - lineStart, whole.length));

  const first = whole.length <= widest ? 0 : Math.max(0, Math.min(from - 20, whole.length - widest));
  const last = Math.min(whole.length, first + widest);
  const dots = first > 0 ? '…' : '';
  const before = dots + inColumns(whole.slice(first, from));
  const culprit = inColumns(whole.slice(from, Math.min(to, last)));
  const after = inColumns(whole.slice(Math.min(to, last), last)) + (last < whole.length ? '…' : '');
  return {
    text: before + culprit + after,
    mark: { before: ' '.repeat(width(before)), carets: '^'.repeat(Math.max(1, width(culprit))) },
  };
}

/** A piece of a line with a fixed width: tabs are two columns here, and nothing controls the terminal. */
function inColumns(text: string): string {
  return visible(text.replaceAll('\t', '  '));
}

/** A text without characters that control a terminal. */
function visible(text: string): string {
  return text.replace(/[^\P{Cc}\n]|\p{Bidi_Control}/gu, '\u{fffd}');
}

/** How many columns a text takes: characters of East Asia and pictures take two, combining ones none. */
function width(text: string): number {
  let columns = 0;
  for (const character of text) {
    if (/\p{Mn}|\p{Me}|\p{Cf}/u.test(character)) continue;
    columns +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
        character,
      )
        ? 2
        : 1;
  }
  return columns;
}
