import { loadSchema } from '../../generator/schema/load.js';
import { memoryHost } from '../../generator/syntax/host.js';
import { catalogue } from '../../generator/text/catalogue/index.js';
import type { DiagnosticKind } from '../../generator/text/diagnostic.js';
import { pretty } from '../../generator/text/report/pretty.js';

const intro = `# Diagnostics

Everything that \`qapi-ts check\` can say about a schema, by code: what it means, a schema that provokes it, what is said
about that schema, and the same schema put right. This page is printed from the declarations in
\`generator/text/catalogue\`; \`npm run docs\` writes it.

Codes are stable. Problems of documentation are warnings unless a release is named by \`--dialect\`: then they are errors
where that release takes them for errors.
`;

const groups: Readonly<Record<string, string>> = {
  1: 'Text and tokens',
  2: 'Syntax, includes and pragmas',
  3: 'Definitions',
  4: 'Types',
  5: 'Documentation',
};

/** The catalogue of diagnostics as a page of the documentation. */
export async function diagnosticsPage(): Promise<string> {
  const kinds = Object.entries<DiagnosticKind<never>>(catalogue).sort(([, a], [, b]) => (a.code < b.code ? -1 : 1));
  const parts = [intro];
  let group = '';
  for (const [name, kind] of kinds) {
    const digit = kind.code.charAt('QAPI'.length);
    if (digit !== group) {
      group = digit;
      parts.push(`## ${groups[group]} (\`QAPI${group}xxx\`)\n`);
    }
    parts.push(await entry(name, kind));
  }
  return parts.join('\n');
}

async function entry(name: string, { code, explanation, example }: DiagnosticKind<never>): Promise<string> {
  const dialect = example.dialect ?? 'auto';
  const { diagnostics } = await loadSchema('schema.json', {
    dialect,
    examples: true,
    host: memoryHost({ 'schema.json': example.wrong }),
  });
  const said = diagnostics.filter((diagnostic) => diagnostic.code === code).map((diagnostic) => pretty(diagnostic));
  return [
    `### ${code}: ${name.replaceAll('-', ' ')}\n`,
    `${explanation.trim()}\n`,
    example.dialect === undefined ? 'Wrong:\n' : `Wrong, by the rules of ${example.dialect}:\n`,
    fenced('qapi', example.wrong),
    ...(said[0] === undefined ? [] : [fenced('text', said[0])]),
    'Right:\n',
    fenced('qapi', example.right),
  ].join('\n');
}

/** A text as a block of code, whatever is in it. */
function fenced(language: string, text: string): string {
  // Control characters would make the page a binary file.
  const shown = text.replace(/[^\P{Cc}\n\t]/gu, '\u{fffd}').replace(/\n$/, '');
  const fence = '`'.repeat(Math.max(3, ...[...shown.matchAll(/`+/g)].map(([ticks]) => ticks.length + 1)));
  return `${fence}${language}\n${shown}\n${fence}\n`;
}
