/** The characters that a manual page writes by name. */
const characters: Readonly<Record<string, string>> = {
  aq: "'",
  dq: '"',
  bu: '*',
  ga: '`',
  ha: '^',
  ti: '~',
  rs: '\\',
  em: '—',
  en: '–',
  lq: '“',
  rq: '”',
  oq: '‘',
  cq: '’',
};

/** Text of a manual page without its escapes. */
export function plainText(text: string): string {
  return text
    .replace(/\\%/g, '')
    .replace(/\\f[BIPR]|\\f\(..|\\f\[.*?\]/g, '')
    .replace(/\\\((..)|\\\[(\w+)\]/g, (whole, short, long) => characters[short ?? long] ?? whole)
    .replace(/\\&/g, '')
    .replace(/\\(.)/g, (_, character: string) => (character === 'e' ? '\\' : character));
}

/** Running text: what is bold there is a name that the schema's documentation refers to, or is to be read as it stands. */
function runningText(text: string): string {
  const marked = text
    .replace(/\\fI\\%(.*?)\\fP/g, '$1')
    .replace(/\\fB([A-Za-z_][\w.]*(?:\\-[\w.]+)*)\\fP/g, '@$1')
    .replace(/\\fB(.*?)\\fP/g, '``$1``')
    .replace(/\\fI(.*?)\\fP/g, '*$1*');
  return plainText(marked);
}

/** The text that lines of a manual page hold, in the markup of documentation comments. */
export function textOfLines(lines: readonly string[]): string {
  const out: string[] = [];
  let indent = '';
  let literal = false;
  let bullet = false;
  const indents: string[] = [];
  const gap = (): void => {
    if (out.length > 0 && out.at(-1) !== '') out.push('');
  };
  for (const line of lines) {
    if (literal && line !== '.fi') {
      if (!line.startsWith('.ft') && !line.startsWith('.UNINDENT')) out.push(`    ${plainText(line)}`.trimEnd());
    } else if (line === '.nf') {
      gap();
      out.push('::', '');
      literal = true;
    } else if (line === '.fi') literal = false;
    else if (line === '.sp' || line === '.TP') gap();
    else if (/^\.IP/.test(line)) {
      if (indents.length === 0 || out.at(-1) !== '') gap();
      bullet = true;
      indent = '  ';
    } else if (line.startsWith('.INDENT')) {
      indents.push(indent);
      indent = '';
    } else if (line.startsWith('.UNINDENT')) {
      indent = indents.pop() ?? '';
      gap();
    } else if (!/^\.(?!B )|^$/.test(line)) {
      const text = runningText(line.replace(/^\.B /, ''));
      out.push(bullet ? `- ${text}` : `${indent}${text}`);
      bullet = false;
    }
  }
  while (out.at(-1) === '') out.pop();
  return out.join('\n');
}
