/** What must not be torn apart: links, code spans, words. */
const unbreakable = /(?:\{@link [^}]*\}|`[^`]*`|\S)+/g;

/** A word that would turn a line that starts with it into something else in Markdown. */
const lineMarker = /^(?:[-+*>=#|]+|\d+[.)]|```.*)$/;

/** Breaks a paragraph into lines of at most `width` characters, where its words allow it. */
export function wrap(text: string, width: number): string[] {
  if (text.length <= width) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.match(unbreakable) ?? []) {
    if (line === '') line = word;
    else if (line.length + 1 + word.length <= width || lineMarker.test(word)) line += ` ${word}`;
    else {
      lines.push(line);
      line = word;
    }
  }
  if (line !== '') lines.push(line);
  return lines;
}
