/** How the first line of a block shows what it is. */
export const marks = {
  directive: /^\.\.\s+([A-Za-z][\w-]*)::\s*(.*)$/,
  /** Directives, and what starts like one: comments, targets of links. */
  explicit: /^\.\.(?:\s|$)/,
  bullet: /^([-*+]|\d{1,2}[.)]|#\.|\(\d{1,2}\))\s+(?=\S)/,
  simpleTable: /^=+(?:\s+=+)+\s*$/,
  gridTable: /^\+[-=+]+\+\s*$/,
  underline: /^([=\-~^"#*+])\1{2,}\s*$/,
  heading: /^=+ (.+?)(?: =+)?$/,
  /** A message of an example. */
  exchange: /^(?:->|<-)(?:\s|$)/,
} as const;

/** Where the block that starts at a line ends: the index of the first line that is not part of it. */
export function blockEnd(lines: readonly string[], start: number): number {
  const first = lines[start] as string;
  if (marks.explicit.test(first) || marks.bullet.test(first)) return indentedEnd(lines, start + 1);
  if (marks.simpleTable.test(first)) return tableEnd(lines, start);
  if (marks.exchange.test(first)) return exchangeEnd(lines, start);
  if (marks.heading.test(first)) return start + 1;
  return paragraphEnd(lines, start);
}

function paragraphEnd(lines: readonly string[], start: number): number {
  let end = start;
  while (end < lines.length && lines[end] !== '') {
    const line = lines[end] as string;
    if (end > start && (marks.bullet.test(line) || marks.directive.test(line) || marks.exchange.test(line))) return end;
    end++;
    if (line.endsWith('::')) return indentedEnd(lines, end);
    if (end === start + 2 && marks.underline.test(line)) return end;
  }
  return end;
}

/** The end of a block that goes on as long as lines are indented. */
function indentedEnd(lines: readonly string[], start: number): number {
  let end = start;
  let last = start;
  while (end < lines.length && (lines[end] === '' || lines[end]?.startsWith(' '))) {
    end++;
    if (lines[end - 1] !== '') last = end;
  }
  return last;
}

function tableEnd(lines: readonly string[], start: number): number {
  for (let end = start + 1; end < lines.length; end++) {
    if (lines[end] === '' && marks.simpleTable.test(lines[end - 1] as string)) return end;
  }
  return lines.length;
}

/** Messages go on over blank lines as long as another message or an indented line follows. */
function exchangeEnd(lines: readonly string[], start: number): number {
  let end = start;
  while (end < lines.length) {
    while (end < lines.length && lines[end] !== '') end++;
    let next = end;
    while (next < lines.length && lines[next] === '') next++;
    if (next >= lines.length || !(marks.exchange.test(lines[next] as string) || lines[next]?.startsWith(' '))) break;
    end = next;
  }
  return end;
}
