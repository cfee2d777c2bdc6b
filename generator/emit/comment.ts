/**
 * The lines of a comment, made when it is printed: comments link to what their file declares or imports, which is known once all
 * declarations are. No lines, no comment.
 */
export type Comment = () => readonly string[];

/** Lines as a TSDoc comment, each line of it indented. A single line stays on the line of the marks. */
export function commentText(lines: readonly string[], indent = ''): string {
  if (lines.length === 0) return '';
  if (lines.length === 1) return `${indent}/** ${closed(lines[0] as string)} */\n`;
  let text = `${indent}/**\n`;
  for (const line of lines) text += line === '' ? `${indent} *\n` : `${indent} * ${closed(line)}\n`;
  return `${text}${indent} */\n`;
}

/** Text that does not end the comment around it. */
function closed(line: string): string {
  return line.includes('*/') ? line.replaceAll('*/', '*\\/') : line;
}
