import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ts } from 'ts-morph';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const folders = [
  '.',
  '.ci',
  'bench',
  'cli',
  'docs',
  'examples',
  'generator',
  'qapi',
  'runtime',
  'test',
  'testkit',
  'upgrade',
];
const own = 'test/package/plain-english.test.ts';

/** A text that people read, and where it begins. */
interface Text {
  readonly kind: 'comment' | 'message' | 'test name' | 'page';
  readonly text: string;
  readonly line: number;
}

/** What is not plain, in which kinds of text, and what to write instead. */
const rules: readonly (readonly [pattern: RegExp, kinds: readonly Text['kind'][], instead: string])[] = [
  [
    /\btold\b/gi,
    ['comment', 'message', 'test name', 'page'],
    'write what happens: returns, reports, receives, is called with',
  ],
  [
    /\b(no|some|any|every)body\b|\bwhoever\b/gi,
    ['comment', 'message', 'test name', 'page'],
    'name the one meant: the client, the caller, another request',
  ],
  [/\b(be|is not|not) had\b/gi, ['comment', 'message', 'test name', 'page'], 'write: is available, is supported'],
  [
    /(?<=^[\s/*-]*|[.:] )Who (?!.*\?)/gm,
    ['comment', 'page'],
    'make the one that does it the subject: "A caller that …", "To …"',
  ],
  [
    /^(is|are|was|were|has|have|had|can|cannot|could|may|might|must|should|of|that|by|with|without|as|from|and|or|not|also)\b/g,
    ['test name'],
    'write a sentence that stands alone: "refuses …", "the server answers …"',
  ],
  // Names made of the values of a table are as long as these.
  [/^(?!.*[%$])\S+( \S+)?$/g, ['test name'], 'write a sentence that stands alone, of three words or more'],
];

/** The faults of a file, each with its place. */
function faultsOf(path: string, texts: Iterable<Text>): string[] {
  return [...texts].flatMap(({ kind, text, line }) =>
    rules
      .filter(([, kinds]) => kinds.includes(kind))
      .flatMap(([pattern, , instead]) =>
        [...text.matchAll(pattern)].map((match) => {
          const at = line + text.slice(0, match.index).split('\n').length - 1;
          return `${path}:${at}: ${kind} with '${match[0].trim()}': ${instead}`;
        }),
      ),
  );
}

/** The comments, strings and test names of a module. */
function textsOfModule(code: string): Text[] {
  const file = ts.createSourceFile('module.ts', code, ts.ScriptTarget.Latest, true);
  const lineOf = (position: number): number => file.getLineAndCharacterOfPosition(position).line + 1;
  const strings: Text[] = [];
  let rest = code;
  const visit = (node: ts.Node): void => {
    if (ts.isLiteralExpression(node) || ts.isTemplateMiddleOrTemplateTail(node) || ts.isTemplateHead(node)) {
      const start = node.getStart(file);
      if (!ts.isRegularExpressionLiteral(node)) {
        strings.push({ kind: isTestName(node) ? 'test name' : 'message', text: node.text, line: lineOf(start) });
      }
      rest = rest.slice(0, start) + blank(code.slice(start, node.end)) + rest.slice(node.end);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  // What looks like a comment outside of literals is one.
  const comments = [...rest.matchAll(/\/\*[\s\S]*?\*\/|\/\/.*/g)].map(
    ({ 0: text, index }): Text => ({ kind: 'comment', text, line: lineOf(index) }),
  );
  return [...strings, ...comments];
}

const blank = (text: string): string => text.replace(/[^\n]/g, ' ');

/** Whether a string is the first argument of `it`, `test`, `it.each(…)` and the like. */
function isTestName(node: ts.Node): boolean {
  if (!ts.isCallExpression(node.parent) || node.parent.arguments[0] !== node) return false;
  let called: ts.Expression = node.parent.expression;
  while (ts.isCallExpression(called) || ts.isPropertyAccessExpression(called)) called = called.expression;
  return ts.isIdentifier(called) && (called.text === 'it' || called.text === 'test');
}

/** The prose of a page, without its code. */
const textOfPage = (text: string): Text => ({
  kind: 'page',
  text: text.replace(/```[\s\S]*?```|`[^`\n]*`/g, blank),
  line: 1,
});

/** The comments of a schema. */
const textsOfSchema = (text: string): Text[] =>
  text
    .split('\n')
    .flatMap((line, index) =>
      line.startsWith('#') ? [{ kind: 'comment', text: line.slice(1), line: index + 1 }] : [],
    );

function textsOf(path: string, text: string): Iterable<Text> {
  if (path.endsWith('.md')) return [textOfPage(text)];
  return path.endsWith('.json') ? textsOfSchema(text) : textsOfModule(text);
}

describe('plain English', () => {
  test('no comment, message, test name or page has words that the field has better ones for', () => {
    const paths = folders
      .flatMap((folder) =>
        readdirSync(join(root, folder), { recursive: folder !== '.', encoding: 'utf8' }).map((name) =>
          join(folder, name),
        ),
      )
      .filter((path) => /\.(m?ts|mjs|md)$|^qapi\/.*\.json$/.test(path) && !/fixtures\/|__golden__\//.test(path))
      .filter((path) => path !== own);
    expect(paths.length).toBeGreaterThan(500);
    expect(paths.flatMap((path) => faultsOf(path, textsOf(path, readFileSync(join(root, path), 'utf8'))))).toEqual([]);
  }, 120_000);

  test.each([
    ['a.ts', '/** Fine.\n * Who opens it is told. */\nexport {};', ['a.ts:2', 'a.ts:2']],
    ['a.ts', 'f(); // Told of it.', ['a.ts:1']],
    ['a.ts', 'throw Error(`nobody is here, nor anybody`);', ['a.ts:1', 'a.ts:1']],
    ['a.ts', "it('is kept in memory', f); test.each(x)('works', f);", ['a.ts:1', 'a.ts:1']],
    ['a.ts', "it('refuses a write beyond the end', f); it.each(x)('%s', f); describe('a tray', f);", []],
    ['a.ts', 'const told = /nobody/; // A client that opens it.', []],
    ['a.md', '# Page\n\nA lock that can be had. Who needs it, waits.\nWho is it? `told`', ['a.md:3', 'a.md:3']],
    ['a.json', "##\n# Told later.\n##\n{ 'event': 'told' }", ['a.json:2']],
  ])('finds the faults of %s: %j', (path, text, places) => {
    const found = faultsOf(path, textsOf(path, text));
    expect(found.map((fault) => fault.split(': ')[0])).toEqual(places);
  });
});
