/**
 * Reads a value of comma-separated option text from `start` to the next single comma; two commas stand for one in the value.
 * `end` is where that comma, or the end of the text, is.
 */
export function readValue(text: string, start: number): { value: string; end: number } {
  let end = text.indexOf(',', start);
  while (end !== -1 && text[end + 1] === ',') end = text.indexOf(',', end + 2);
  if (end === -1) end = text.length;
  return { value: text.slice(start, end).replaceAll(',,', ','), end };
}

/** Writes a value so that {@link readValue} gives it back. */
export function escapeCommas(value: string): string {
  return value.replaceAll(',', ',,');
}
