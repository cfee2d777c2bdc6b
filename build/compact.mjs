/**
 * Makes a bundle smaller without making our own code in it unreadable: the packages and generated code in it are minified, and comments, of
 * which a reader of a stack trace has no use, go. Names and lines of ours stay, indented by tabs.
 */
import { transform } from 'esbuild';

/** Lines that are minified have about so many characters: an error in a package shows no more than that of it. */
const lineLimit = 160;

/** Comments on lines of their own. Those within a line tell bundlers what is pure. */
const comment = /^[ \t]*(?:\/\*\*(?:[^*]|\*(?!\/))*\*\/[ \t]*|\/\/(?!#).*)\n/gm;

/** What a module of a bundle imports from outside, as esbuild writes it. */
const importing = /^import (?:[^;"]* from )?"[^"]*";$/gm;

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
    const path = markOf(lines[at]);
    const isMark = known.has(path);
    if (at < end && !(isMark && isForeign(path) !== minified)) continue;
    await take(result, known, lines.slice(start, at), mappings.slice(start, at), minified);
    start = at;
    if (isMark) minified = isForeign(path);
  }
  await take(result, known, lines.slice(end), mappings.slice(end), false);
  return withLists(result);
}

/** The module that a line says begins there. */
function markOf(line) {
  return line?.startsWith('// ') ? line.slice(3) : undefined;
}

/** Puts what a bundle imports and exports on fewer lines. */
function withLists({ lines, mappings }) {
  const result = { lines: [], mappings: [] };
  for (let at = 0; at < lines.length; at++) {
    const end = /^(?:import|export) \{$/.test(lines[at])
      ? lines.findIndex((line, index) => index > at && line.startsWith('}'))
      : at;
    const text = lines
      .slice(at, end + 1)
      .join(' ')
      .replace(/[ \t]+/g, ' ');
    const parts = end === at ? [lines[at]] : text.match(/.{1,160}(?: |$)/g);
    result.lines.push(...parts.map((part) => part.trimEnd()));
    result.mappings.push(...parts.map((_part, index) => (index === 0 ? (mappings[at] ?? []) : [])));
    at = end;
  }
  return { code: result.lines.join('\n'), mappings: result.mappings };
}

/** Whether a module is none that we write: of a package, a stand-in for one of Node's in a package, or generated. */
export function isForeign(path) {
  return /(?:^|\/)(?:node_modules|generated)\//.test(path) || !/\.(?:ts|mjs|hbs)$/.test(path);
}

async function take(result, known, lines, mappings, minified) {
  if (lines.length === 0) return;
  if (minified) {
    // Not a module of its own, for which an import would make it: its outermost names are used elsewhere in the bundle, and stay.
    const text = lines.join('\n');
    const imports = text.match(importing) ?? [];
    const options = { minify: true, lineLimit, target: 'node20.19', legalComments: 'none', treeShaking: false };
    const { code } = await transform(text.replace(importing, ''), options);
    const shorter = [...imports, ...code.trimEnd().split('\n')];
    result.lines.push(...shorter);
    result.mappings.push(...shorter.map((_line, index) => (index === 0 ? [[0]] : [])));
    return;
  }
  const modules = lines.flatMap((line, index) => (index === 0 || known.has(markOf(line)) ? [index] : []));
  for (const [index, start] of modules.entries()) {
    const end = modules[index + 1] ?? lines.length;
    const shorter = await ofOurs(lines.slice(start, end));
    for (const [line, text] of shorter) {
      result.lines.push(text);
      result.mappings.push(moved(mappings[start + line] ?? [], lines[start + line], text));
    }
  }
}

/** The lines of a module of ours that are left, with their numbers: without comments, and indented by tabs. */
async function ofOurs(lines) {
  const text = lines.join('\n');
  const all = [...lines.entries()];
  const kept = withoutComments(text, all);
  const indented = kept.map(([index, line]) => [index, line.replace(/^ +/, tabs)]);
  if (kept.length === all.length && !text.includes('`')) return indented;
  // In a text of several lines, spaces at the beginning of a line are a part of it, and what looks like a comment is none.
  const original = await program(text);
  for (const shorter of [indented, kept]) {
    if ((await program(shorter.map(([, line]) => line).join('\n'))) === original) return shorter;
  }
  return all;
}

/** What a program is apart from how it is laid out. */
async function program(code) {
  return (await transform(code, { minifyWhitespace: true })).code;
}

function tabs(spaces) {
  return '\t'.repeat(spaces.length / 2) + ' '.repeat(spaces.length % 2);
}

/** The mappings of a line that may have been indented by tabs; none where it only closes something. */
function moved(mappings, before, after) {
  if (/^\s*(?:[\])}]*[;,]*|\} (?:else|finally) \{)$/.test(after)) return [];
  const saved = before.length - after.length;
  return mappings.map(([start, ...place], index) => [index === 0 ? 0 : start - saved, ...place]);
}

/** The lines that are left without comments, with their numbers. */
function withoutComments(text, lines) {
  const gone = new Set();
  let line = 0;
  let counted = 0;
  for (const { 0: found, index } of text.matchAll(comment)) {
    line += countLines(text.slice(counted, index));
    counted = index;
    // The first line of a module has its path.
    for (let at = Math.max(line, 1); at < line + countLines(found); at++) gone.add(at);
  }
  return lines.filter(([index]) => !gone.has(index));
}

function countLines(text) {
  return text.split('\n').length - 1;
}
