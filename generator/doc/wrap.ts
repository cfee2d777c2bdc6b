/** A word that would turn a line that starts with it into something else in Markdown. */
const lineMarker = /(?:[-+*>=#|]+|\d+[.)])(?: |$)/y;

/** What is longer than this many words is torn apart after all. */
const mostTries = 40;

/** Breaks a paragraph into lines of at most `width` characters, where its words allow it. Links and code spans stay whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let start = 0;
  while (text.length - start > width) {
    const end = lineEnd(text, start, start + width);
    if (end < 0) break;
    lines.push(text.slice(start, end));
    start = end + 1;
  }
  lines.push(text.slice(start));
  return lines;
}

/** The last space up to `limit` at which a line may end, else the first after it; -1 when there is none. */
function lineEnd(text: string, start: number, limit: number): number {
  for (let end = text.lastIndexOf(' ', limit); end > start; end = text.lastIndexOf(' ', end - 1)) {
    lineMarker.lastIndex = end + 1;
    if (!lineMarker.test(text) && !isInside(text, start, end)) return end;
  }
  const next = text.indexOf(' ', limit);
  let end = next;
  for (let tries = 0; end >= 0 && isInside(text, start, end); end = text.indexOf(' ', end + 1)) {
    if (++tries > mostTries) return next;
  }
  return end;
}

/** Whether a place of a line is inside a code span or a link. */
function isInside(text: string, start: number, place: number): boolean {
  const before = text.slice(start, place);
  if (before.lastIndexOf('{@link') > before.lastIndexOf('}')) return true;
  let odd = false;
  for (let tick = before.indexOf('`'); tick >= 0; tick = before.indexOf('`', tick + 1)) odd = !odd;
  return odd;
}
