import type { ts } from 'ts-morph';
import { stringLiteral } from '../../generator/emit/identifier.js';
import type { Command } from '../../generator/schema/model.js';
import type { Ts } from '../compiler.js';
import { findHolder, type Handler, type Holder, handlersOf, spreadNames } from './handlers-object.js';
import { type HandlerImports, handlerText } from './skeleton.js';

/** A file of handlers after an update. */
export interface UpdatedHandlers {
  readonly text: string;
  /** Names of commands: those that were added, marked as gone, and not marked any more. */
  readonly added: readonly string[];
  readonly gone: readonly string[];
  readonly back: readonly string[];
}

/** A file that cannot be updated, for the user to read. */
export class HandlersError extends Error {
  override readonly name = 'HandlersError';
}

/** How a handler is marked whose command the schema does not have. */
export const goneMark = (name: string): string => `// TODO(qapi-ts): the schema has no command '${name}' any more`;

interface Insertion {
  readonly at: number;
  /** So many characters are replaced: those of our own mark, or none. */
  readonly length: number;
  readonly text: string;
}

/**
 * Adds handlers for the commands that a file has none for, and marks those whose command is gone. Nothing else in the text changes.
 *
 * @param reserved names of commands that need no handler, and may have one
 * @throws HandlersError when the file does not compile, or has no handlers
 */
export function updateHandlers(
  compiler: Ts,
  text: string,
  commands: readonly Command[],
  reserved: readonly string[],
  imports: HandlerImports,
): UpdatedHandlers {
  const file = parse(compiler, text);
  const wanted = new Set(commands.map(({ name }) => name));
  const holder = findHolder(compiler, file, wanted);
  if (!holder) throw new HandlersError('it has no object of the type CommandHandlers');
  const handlers = handlersOf(compiler, holder);
  const spread = spreadNames(compiler, holder);
  const present = new Set([...handlers.map(({ name }) => name), ...(spread ?? [])]);
  const missing = commands.filter(({ name }) => !present.has(name));
  const known = new Set([...wanted, ...reserved]);
  // A class has members that are no handlers.
  const gone = compiler.isClassLike(holder) ? [] : handlers.filter(({ name }) => !known.has(name));
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const marks = gone.flatMap((handler) => markGone(compiler, text, handler, newline) ?? []);
  const unmarks = handlers.filter(({ name }) => known.has(name)).flatMap((handler) => unmark(text, handler) ?? []);
  const insertions = [...marks, ...unmarks.map(({ insertion }) => insertion)];
  if (missing.length > 0) {
    insertions.push(...additions(compiler, text, holder, missing, newline, spread === undefined));
    insertions.push(...importOfError(compiler, file, imports.runtime, newline));
  }
  return {
    text: applied(text, insertions),
    added: missing.map(({ name }) => name),
    gone: gone.filter((handler) => markGone(compiler, text, handler, newline)).map(({ name }) => name),
    back: unmarks.map(({ name }) => name),
  };
}

function parse(compiler: Ts, text: string): ts.SourceFile {
  const file = compiler.createSourceFile('handlers.ts', text, compiler.ScriptTarget.Latest, true);
  const { parseDiagnostics } = file as unknown as { readonly parseDiagnostics: readonly ts.Diagnostic[] };
  const [first] = parseDiagnostics;
  if (first) {
    const { line } = file.getLineAndCharacterOfPosition(first.start ?? 0);
    const message = compiler.flattenDiagnosticMessageText(first.messageText, ' ');
    throw new HandlersError(`line ${line + 1} is no TypeScript: ${message}`);
  }
  return file;
}

/** The text that stands before an offset in its line. */
function indentAt(text: string, offset: number): string {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  return /^[ \t]*/.exec(text.slice(start, offset))?.[0] ?? '';
}

function markGone(compiler: Ts, text: string, { name, node }: Handler, newline: string): Insertion | undefined {
  const start = node.getStart();
  if (text.slice(node.getFullStart(), start).includes(goneMark(name))) return undefined;
  const comments = compiler.getLeadingCommentRanges(text, node.getFullStart()) ?? [];
  // Above the line, and above a comment that ends in it; not where that line begins with another handler.
  let line = lineStartOf(text, start);
  for (const { pos, end } of comments.toReversed()) if (pos < line && line < end) line = lineStartOf(text, pos);
  const at = line >= node.getFullStart() ? line : start;
  return { at, length: 0, text: `${goneMark(name)}${newline}${indentAt(text, at)}` };
}

function unmark(
  text: string,
  { name, node }: Handler,
): { readonly name: string; readonly insertion: Insertion } | undefined {
  const mark = goneMark(name);
  const start = node.getFullStart();
  const at = text.slice(start, node.getStart()).indexOf(mark);
  if (at < 0) return undefined;
  // With the line end and the indentation that were put behind it.
  const behind = /^\r?\n[ \t]*/.exec(text.slice(start + at + mark.length))?.[0] ?? '';
  return { name, insertion: { at: start + at, length: mark.length + behind.length, text: '' } };
}

function additions(
  compiler: Ts,
  text: string,
  holder: Holder,
  commands: readonly Command[],
  newline: string,
  first: boolean,
): Insertion[] {
  const isObject = compiler.isObjectLiteralExpression(holder);
  const members: ts.NodeArray<ts.Node> = isObject ? holder.properties : holder.members;
  const outer = indentAt(text, lineStartOf(text, holder.end - 1));
  const indent = members[0] && isOnOwnLine(text, members[0]) ? indentAt(text, members[0].getStart()) : `${outer}  `;
  const skeletons = commands.map((command) => handlerText(command, indent, isObject ? ',' : ''));
  const added = skeletons.join('\n\n').replaceAll('\n', newline);
  if (first && isObject) {
    // What a spread brings from elsewhere stands behind, so that it counts.
    return [{ at: holder.getStart() + 1, length: 0, text: `${newline}${added}${newline}` }];
  }
  const brace = holder.end - 1;
  const before = text.slice(0, brace);
  const ownLine = /\n[ \t]*$/.exec(before);
  const at = ownLine ? ownLine.index + 1 : brace;
  const lead = ownLine ? '' : newline;
  const gap = members.length > 0 ? newline : '';
  const last = members.at(-1);
  const comma = isObject && last && !members.hasTrailingComma ? [{ at: last.end, length: 0, text: ',' }] : [];
  const behind = ownLine ? '' : indentAt(text, lineStartOf(text, brace));
  return [...comma, { at, length: 0, text: `${lead}${gap}${added}${newline}${behind}` }];
}

function lineStartOf(text: string, offset: number): number {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  return start + (/^[ \t]*/.exec(text.slice(start))?.[0].length ?? 0);
}

function isOnOwnLine(text: string, node: ts.Node): boolean {
  const start = node.getStart();
  return text.slice(text.lastIndexOf('\n', start - 1) + 1, start).trim() === '';
}

/** The import of what new handlers throw, where the file has it not. */
function importOfError(compiler: Ts, file: ts.SourceFile, runtime: string, newline: string): Insertion[] {
  const imports = file.statements.filter((statement) => compiler.isImportDeclaration(statement));
  const isImported = imports.some(({ importClause }) => {
    const bindings = importClause?.namedBindings;
    if (!bindings || !compiler.isNamedImports(bindings)) return false;
    return bindings.elements.some(({ name }) => name.text === 'QmpError');
  });
  if (isImported) return [];
  const line = `import { QmpError } from ${stringLiteral(runtime)};`;
  const last = imports.at(-1);
  if (last) return [{ at: last.end, length: 0, text: `${newline}${line}` }];
  const at = file.statements[0]?.getStart() ?? 0;
  return [{ at, length: 0, text: `${line}${newline}` }];
}

function applied(text: string, insertions: readonly Insertion[]): string {
  const sorted = [...insertions].sort((a, b) => a.at - b.at || a.length - b.length);
  let result = '';
  let end = 0;
  for (const { at, length, text: inserted } of sorted) {
    result += text.slice(end, at) + inserted;
    end = at + length;
  }
  return result + text.slice(end);
}
