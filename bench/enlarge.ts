import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** A string of the language, or a name in a documentation comment. */
const nameInText = /'([^'\n]*)'|(?<=@)[A-Za-z_][\w-]*/g;
const definition = /\{\s*'(?:struct|union|enum|alternate|command|event)'\s*:\s*'([^']+)'/g;

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
  await writeFile(root, includes.join(''));
  return root;
}

/** A name of the same style: `BlockInfoX2`, `query-block-x2`, `SHUTDOWN_X2`. */
function withNumber(name: string, number: number): string {
  if (/^[A-Z0-9_]+$/.test(name)) return `${name}_X${number}`;
  return /[A-Z]/.test(name) ? `${name}X${number}` : `${name}-x${number}`;
}
