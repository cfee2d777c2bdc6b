/** Words that have been met: a schema says the same few again and again. */
const words = new Map<string, string>();
const wordLimit = 1000;

/** A text, as the same string each time if it is short and was among the first. Longer ones may be parts of a file's text, and would keep it. */
export function sharedWord(text: string): string {
  if (text.length > 12) return text;
  const known = words.get(text);
  if (known !== undefined) return known;
  if (words.size < wordLimit) words.set(text, text);
  return text;
}
