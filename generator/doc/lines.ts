/** The lines of a text, without what does not show. */
export function splitLines(text: string): string[] {
  return text.split('\n').map((line) => line.trimEnd().replace(/\t/g, '    '));
}

/** Lines as one, with single spaces. */
export function singleLine(text: string): string {
  return text.replace(/\s{2,}|[^\S ]/g, ' ').trim();
}

/** Removes the indentation that all lines share. */
export function dedent(lines: readonly string[]): string[] {
  let shared = Number.POSITIVE_INFINITY;
  for (const line of lines) if (line !== '') shared = Math.min(shared, line.search(/\S/));
  return shared === 0 || shared === Number.POSITIVE_INFINITY ? [...lines] : lines.map((line) => line.slice(shared));
}

/** Removes the empty lines at both ends. */
export function trimBlank(lines: readonly string[]): string[] {
  let start = 0;
  let end = lines.length;
  while (start < end && lines[start] === '') start++;
  while (end > start && lines[end - 1] === '') end--;
  return lines.slice(start, end);
}
