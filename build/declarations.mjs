/**
 * The type declarations that the package ships: of those that the compiler writes, what its doors lead to.
 *
 * A user sees a declaration by importing it, or through another that mentions it. All else in the same files would only be read.
 */
import { execFileSync } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
// The newest compiler that programs can ask.
import ts from 'typescript-5.9';

/** Writes the declarations behind the doors of the project in `root` into `dist`. */
export async function writeDeclarations(root, dist, doors) {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', 'build/tsconfig.json'], { cwd: root, stdio: 'inherit' });
  // The block layer's door has the tables of all commands and events. What is generated for single ones, and for types, is behind none.
  const index = join(dist, 'generated/index.d.ts');
  const single = /^export \* from '\.\/[^']+\/(?:commands|events|visitors)\.js';\n/gm;
  await writeFile(index, (await readFile(index, 'utf8')).replace(single, ''));
  const kept = declarationsBehind(doors.map((file) => join(root, file)));
  for (const name of await readdir(dist, { recursive: true })) {
    if (!name.endsWith('.d.ts')) continue;
    const text = kept.get(join(dist, name));
    if (text === undefined) await rm(join(dist, name));
    else await writeFile(join(dist, name), text);
  }
}

/**
 * What files with declarations have that some of them, the doors, lead to.
 *
 * @param {readonly string[]} doors the paths of files
 * @returns {Map<string, string>} the texts of files, by path
 */
export function declarationsBehind(doors) {
  const program = ts.createProgram(doors, {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    // What is not ours is of no interest.
    noLib: true,
    types: [],
  });
  const checker = program.getTypeChecker();
  const files = program.getSourceFiles().filter(({ fileName }) => !fileName.includes('/node_modules/'));
  const reached = reachedStatements(checker, files, doors);
  const texts = new Map();
  for (const file of files) {
    const isDoor = doors.includes(file.fileName);
    const text = remainingText(checker, file, reached, isDoor);
    if (text !== '') texts.set(file.fileName, text);
  }
  return texts;
}

/** The statements that declare what can be imported from the doors, and what those mention. */
function reachedStatements(checker, files, doors) {
  const ours = new Set(files);
  const reached = new Set();
  const add = (symbol) => {
    for (const node of declarationsOf(checker, symbol)) {
      if (ts.isSourceFile(node)) for (const exported of checker.getExportsOfModule(symbol)) add(exported);
      else if (ours.has(node.getSourceFile())) reached.add(statementOf(node));
    }
  };
  for (const file of files) {
    if (doors.includes(file.fileName)) add(checker.getSymbolAtLocation(file));
  }
  // Those that are added on the way follow.
  for (const statement of reached) {
    forEachName(statement, (name) => add(checker.getSymbolAtLocation(name)));
  }
  return reached;
}

/** Calls back for each name in a part of a file, and for each import within a type. */
function forEachName(node, callback) {
  if (ts.isIdentifier(node)) callback(node);
  else if (ts.isImportTypeNode(node) && !node.qualifier) callback(node.argument.literal);
  ts.forEachChild(node, (child) => forEachName(child, callback));
}

/** Where something is declared that may have been imported. */
function declarationsOf(checker, symbol) {
  if (symbol === undefined) return [];
  const original = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  return original.declarations ?? [];
}

/** The statement of its file that a node is in. */
function statementOf(node) {
  let statement = node;
  while (!ts.isSourceFile(statement.parent)) statement = statement.parent;
  return statement;
}

/** The text of a file with the statements that are reached, and with the imports and exports that take. Empty where nothing is left. */
function remainingText(checker, file, reached, isDoor) {
  const used = new Set();
  for (const statement of file.statements) {
    if (reached.has(statement)) forEachName(statement, ({ text }) => used.add(text));
  }
  const isNeeded = (symbol) => isDoor || declarationsOf(checker, symbol).some((node) => reached.has(statementOf(node)));
  const isUsed = ({ name }) => used.has(name.text);
  const isExported = ({ name }) => isNeeded(checker.getSymbolAtLocation(name));
  let text = isDoor ? aboutModule(file) : '';
  let declares = false;
  for (const statement of file.statements) {
    const { importClause, exportClause, moduleSpecifier } = statement;
    let part = '';
    if (ts.isImportDeclaration(statement)) {
      const { name, namedBindings } = importClause;
      if (name || !ts.isNamedImports(namedBindings))
        part = isUsed(name ? importClause : namedBindings) ? statement.getText() : '';
      else part = withSome(statement, namedBindings, isUsed);
    } else if (ts.isExportDeclaration(statement)) {
      if (exportClause && ts.isNamedExports(exportClause)) part = withSome(statement, exportClause, isExported);
      else if (checker.getExportsOfModule(checker.getSymbolAtLocation(moduleSpecifier)).some(isNeeded))
        part = statement.getText();
      declares ||= part !== '';
    } else if (reached.has(statement)) {
      part = statement.getFullText().trimStart();
      declares = true;
    }
    if (part !== '') text += `${part}\n`;
  }
  if (!declares) return '';
  return withTabs(text);
}

/** The comment at the top of a file that begins with imports or exports. */
function aboutModule({ text, statements: [first] }) {
  if (!ts.isImportDeclaration(first) && !ts.isExportDeclaration(first)) return '';
  return text.slice(0, first.getStart());
}

/** An import or export with some of its names; empty without any. */
function withSome(statement, { elements }, isWanted) {
  const wanted = elements.filter(isWanted);
  if (wanted.length === 0) return '';
  const start = statement.getText().slice(0, elements.pos - statement.getStart());
  const end = statement.getText().slice(elements.end - statement.getStart());
  return `${start}${wanted.map((element) => ` ${element.getText()}`)} ${end.trimStart()}`;
}

/** Indents by tabs, which are a quarter as much. */
function withTabs(text) {
  return text.replace(/^(?: {4})+/gm, (spaces) => '\t'.repeat(spaces.length / 4));
}
