/** What of a long text fits on a screen, and what follows. */
export interface Page {
  readonly shown: string;
  /** The lines that are left. */
  readonly rest: readonly string[];
}

/** An escape sequence that colours text, and takes no room. */
const COLOURS = new RegExp(`${String.fromCharCode(0x1b)}\\[[\\d;]*m`, 'g');

/** Takes as many lines off a text as a screen has rows, at least one; lines that are wider than the screen take several. */
export function pageOf(lines: readonly string[], rows: number, columns: number): Page {
  let used = 0;
  let count = 0;
  for (const line of lines) {
    used += Math.max(1, Math.ceil(line.replace(COLOURS, '').length / columns));
    if (used > rows && count > 0) break;
    count++;
  }
  return { shown: lines.slice(0, count).join('\n'), rest: lines.slice(count) };
}
