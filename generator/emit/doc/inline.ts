/** What the name of something in the schema turns into when the documentation mentions it. */
export type LinkName = (name: string) => string;

/**
 * Inline markup: literals, roles, hyperlinks, interpreted text, `@name`, and the characters that Markdown or TSDoc would
 * take for markup of their own.
 */
const inlineMarkup =
  /``((?:[^`]|`(?!`))+)``|:[a-z][a-z:-]*:`([^`]+)`|`([^`<]*[^`<\s])\s*<([^`>]+)>`__?|`([^`]+)`(_{0,2})|@([A-Za-z_](?:[\w.-]*\w)?)|[@<]/g;

/** Text that has nothing to convert is left alone. */
const plain = /^[^`@<]*$/;

/** Turns the inline markup of a paragraph into Markdown. */
export function inlineMarkdown(text: string, link: LinkName): string {
  if (plain.test(text)) return text;
  return text.replace(
    inlineMarkup,
    (
      match,
      literal?: string,
      role?: string,
      title?: string,
      url?: string,
      interpreted?: string,
      reference?: string,
      name?: string,
      offset?: number,
    ) => {
      if (literal !== undefined) return codeSpan(literal);
      if (role !== undefined) return roleText(match, role, link);
      if (title !== undefined) return `[${title}](${url})`;
      if (interpreted !== undefined) return reference ? interpreted : link(interpreted);
      if (match === '<') return /^[A-Za-z/!?]/.test(text.slice((offset as number) + 1)) ? '\\<' : '<';
      if (/[\w.]/.test(text.charAt((offset as number) - 1))) return match;
      return name === undefined ? '\\@' : link(name);
    },
  );
}

/** A code span, fenced by more backticks than the text has in a row. */
export function codeSpan(text: string): string {
  if (!text.includes('`')) return `\`${text}\``;
  const fence = '`'.repeat(longestRun(text) + 1);
  return `${fence} ${text} ${fence}`;
}

/** The longest row of backticks in a text. */
export function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
}

/** `:ref:` and `:doc:` name a place by its title or path; all other roles name things of the schema. */
function roleText(match: string, text: string, link: LinkName): string {
  const titled = /^([^<]*[^<\s])\s*<[^>]*>$/.exec(text);
  if (titled) return titled[1] as string;
  return /^:(doc|ref|term):/.test(match) ? text : link(text.replace(/^[~!]/, ''));
}
