import { generate } from '../../generator/emit/generate.js';
import type { EmitOptions } from '../../generator/emit/options.js';
import { loadSchema } from '../../generator/schema/load.js';
import { selectSchema } from '../../generator/schema/select.js';
import { memoryHost } from '../../generator/syntax/host.js';
import { pretty } from '../../generator/text/report/pretty.js';

/** What a page may say about an example, as JSON in a comment before it. */
interface ExampleOptions extends EmitOptions {
  readonly dialect?: string;
  readonly define?: Readonly<Record<string, boolean>>;
  /** Which generated file to show. Default: `types`. */
  readonly file?: string;
}

/** A schema in a page, the options before it, and the block behind it that shows what is generated. */
const example = /(?:<!-- (\{.*\}) -->\n\n)?```qapi\n([^`]*)```\n\n(?:becomes\n\n)?```ts\n(?:[^`]|`(?!``))*```\n/g;

/** A page of the documentation with the TypeScript filled in that is generated from each schema in it. */
export async function withExamples(page: string): Promise<string> {
  let filled = '';
  let end = 0;
  for (const match of page.matchAll(example)) {
    const [whole, options = '{}', schema = ''] = match;
    const code = await generated(schema, JSON.parse(options) as ExampleOptions);
    const start = whole.indexOf('```ts\n');
    filled += `${page.slice(end, match.index)}${whole.slice(0, start)}\`\`\`ts\n${code}\`\`\`\n`;
    end = match.index + whole.length;
  }
  return filled + page.slice(end);
}

/** What is generated from a schema, without what stands above the declarations. */
async function generated(
  text: string,
  { dialect = 'auto', define, file = 'types', ...options }: ExampleOptions,
): Promise<string> {
  const { schema, diagnostics } = await loadSchema('schema.json', {
    dialect,
    host: memoryHost({ 'schema.json': text }),
  });
  if (!schema) throw new Error(diagnostics.map((diagnostic) => pretty(diagnostic)).join('\n'));
  const wanted = define ? selectSchema(schema, { defines: new Map(Object.entries(define)) }) : schema;
  const found = generate(wanted, options).find(({ path }) => path === `schema/${file}.ts`);
  if (!found) throw new Error(`there is no ${file}.ts for\n${text}`);
  const declarations = found.text.replace(/^((\/\/|\/\*).*\n)+\n*/, '').replace(/^(import [^;]*;\n)+\n*/, '');
  // The interfaces are what a reader wants to see of commands and events; the tables are for machines.
  const isTable = (part: string): boolean => /export (const (commands|events)|type CommandHandlers)\b/.test(part);
  const parts = declarations.trimEnd().split('\n\n');
  return `${parts.filter((part) => !isTable(part)).join('\n\n')}\n`;
}
