/**
 * Makes a bundle smaller without making our own code in it unreadable: the packages and generated code in it are minified, and comments, of
 * which a reader of a stack trace has no use, go. Names and lines of ours stay.
 */
import { transform } from 'esbuild';

/** Lines that are minified have about so many characters: an error in a package shows no more than that of it. */
const lineLimit = 160;

/** Comments on lines of their own. Those within a line tell bundlers what is pure. */
const comment = /^[ \t]*\/\*\*(?:[^*]|\*(?!\/))*\*\/[ \t]*\n/gm;

/**
 * Shortens a bundle and the mappings of its source map.
 *
 * @param {string} code the bundle, in which a comment with the path of each module precedes it, as esbuild writes it
 * @param {readonly string[]} modules the paths of its modules
 * @param {readonly unknown[]} mappings what the source map says of each line
 * @returns {Promise<{ code: string, mappings: unknown[] }>}
 */
export async function compact(code, modules, mappings) {
  const known = new Set(modules);
  const lines = code.split('\n');
  const tail = lines.findLastIndex((line) => line.startsWith('export {'));
  const end = tail === -1 ? lines.length : tail;
  const result = { lines: [], mappings: [] };
  let start = 0;
  let minified = false;
  for (let at = 0; at <= end; at++) {
    const path = lines[at]?.startsWith('// ') ? lines[at].slice(3) : undefined;
    const isMark = path !== undefined && known.has(path);
    if (at < end && !(isMark && isForeign(path) !== minified)) continue;
    await take(result, lines.slice(start, at), mappings.slice(start, at), minified);
    start = at;
    if (isMark) minified = isForeign(path);
  }
  await take(result, lines.slice(end), mappings.slice(end), false);
  return { code: result.lines.join('\n'), mappings: result.mappings };
}

/** Whether a module is none that we write: of a package, a stand-in for one of Node's in a package, or generated. */
export function isForeign(path) {
  return /(?:^|\/)(?:node_modules|generated)\//.test(path) || !/\.(?:ts|mjs|hbs)$/.test(path);
}

async function take(result, lines, mappings, minified) {
  if (lines.length === 0) return;
  if (minified) {
    // Not a module of its own: its outermost names are used elsewhere in the bundle, and stay.
    const options = { minify: true, lineLimit, target: 'node20.19', legalComments: 'none', treeShaking: false };
    const { code } = await transform(lines.join('\n'), options);
    const shorter = code.trimEnd().split('\n');
    result.lines.push(...shorter);
    result.mappings.push(...shorter.map((_line, index) => (index === 0 ? [[0]] : [])));
    return;
  }
  const kept = await withoutComments(lines);
  for (const [index, line] of lines.entries()) {
    if (!kept[index]) continue;
    result.lines.push(line);
    result.mappings.push(mappings[index] ?? []);
  }
}

/** Which lines are left without comments. Something that only looks like a comment would make another program of it. */
async function withoutComments(lines) {
  const kept = lines.map(() => true);
  let line = 0;
  let counted = 0;
  const text = lines.join('\n');
  for (const { 0: found, index } of text.matchAll(comment)) {
    line += countLines(text.slice(counted, index));
    counted = index;
    kept.fill(false, line, line + countLines(found));
  }
  if (kept.every(Boolean)) return kept;
  const program = async (code) => (await transform(code, { minifyWhitespace: true })).code;
  if ((await program(text)) !== (await program(lines.filter((_line, index) => kept[index]).join('\n')))) {
    throw new Error(`what looks like a comment is none: ${lines[0]}`);
  }
  return kept;
}

function countLines(text) {
  return text.split('\n').length - 1;
}
