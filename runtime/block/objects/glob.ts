/** Whether a text matches a pattern, in which `*` stands for any characters and `?` for one. Takes time in proportion to both. */
export function matchesGlob(pattern: string, text: string): boolean {
  let at = 0;
  let position = 0;
  /** Where to go on when what follows the last `*` does not match: that one takes a character more. */
  let star = -1;
  let taken = 0;
  while (position < text.length) {
    if (pattern[at] === '*') {
      star = at++;
      taken = position;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === text[position])) {
      at++;
      position++;
    } else if (star >= 0) {
      at = star + 1;
      position = ++taken;
    } else {
      return false;
    }
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}
