import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** A string of the language, or a name in a documentation comment. */
const nameInText = /'([^'\n]*)'|(?<=@)[A-Za-z_][\w-]*/g;
const definition = /\{\s*'(?:struct|union|enum|alternate|command|event)'\s*:\s*'([^']+)'/g;

const pragma = /\{\s*'pragma'\s*:\s*(\{[^}]*\})\s*\}/g;

/**
 * Writes a schema `times` as large as another: so many copies of its modules, in each of which every definition has
 * another name, and a root that includes them all. Returns the root.
 */
export async function enlarge(schema: string, times: number, folder: string): Promise<string> {
  const files = (await readdir(dirname(schema))).filter((file) => file.endsWith('.json'));
  const texts = new Map<string, string>();
  for (const file of files) texts.set(file, await readFile(join(dirname(schema), file), 'utf8'));
  const defined = new Set(
    [...texts.values()].flatMap((text) => [...text.matchAll(definition)].map(([, name]) => name)),
  );

  // A pragma takes the place of one before it, so one for all copies stands at the end.
  const lists = new Map<string, string[]>();
  for (const [file, text] of texts)
    texts.set(
      file,
      text.replace(pragma, (_, body: string) => collectLists(body, lists)),
    );

  const includes: string[] = [];
  for (let copy = 1; copy <= times; copy++) {
    await mkdir(join(folder, `copy-${copy}`), { recursive: true });
    for (const [file, text] of texts) {
      const renamed = text.replace(nameInText, (match, quoted?: string) => {
        const name = quoted ?? match;
        return defined.has(name) ? match.replace(name, withNumber(name, copy)) : match;
      });
      await writeFile(join(folder, `copy-${copy}`, file), renamed);
    }
    includes.push(`{ 'include': 'copy-${copy}/${basename(schema)}' }\n`);
  }
  const root = join(folder, 'qapi-schema.json');
  const copies = Array.from({ length: times }, (_, index) => index + 1);
  for (const [key, names] of lists) {
    const all = copies.flatMap((copy) => names.map((name) => `'${defined.has(name) ? withNumber(name, copy) : name}'`));
    includes.push(`{ 'pragma': { '${key}': [ ${all.join(', ')} ] } }\n`);
  }
  await writeFile(root, includes.join(''));
  return root;
}

/** Takes the lists out of a pragma, and gives back the pragma without them. */
function collectLists(body: string, lists: Map<string, string[]>): string {
  const plain = body.replace(/#.*/g, '').replaceAll("'", '"');
  const rest: string[] = [];
  for (const [key, value] of Object.entries(JSON.parse(plain) as Record<string, boolean | string[]>)) {
    if (Array.isArray(value)) lists.set(key, [...(lists.get(key) ?? []), ...value]);
    else rest.push(`'${key}': ${value}`);
  }
  return rest.length === 0 ? '' : `{ 'pragma': { ${rest.join(', ')} } }`;
}

/** A name of the same style: `BlockInfoX2`, `query-block-x2`, `SHUTDOWN_X2`. */
function withNumber(name: string, number: number): string {
  if (/^[A-Z0-9_]+$/.test(name)) return `${name}_X${number}`;
  return /[A-Z]/.test(name) ? `${name}X${number}` : `${name}-x${number}`;
}
