import type { ts } from 'ts-morph';
import { stringLiteral } from '../../generator/emit/identifier.js';
import type { Command } from '../../generator/schema/model.js';
import type { Ts } from '../compiler.js';
import { type Edit, edited } from '../edit.js';
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

/** A mark that is put above a handler, or taken away. */
interface Marking {
  readonly name: string;
  readonly edit: Edit;
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
  const edits = [...marks, ...unmarks].map(({ edit }) => edit);
  if (missing.length > 0) {
    edits.push(...additions(compiler, text, holder, missing, newline, spread === undefined));
    edits.push(...importOfError(compiler, file, imports.runtime, newline));
  }
  edits.sort((a, b) => a.start - b.start || a.end - b.end);
  return {
    text: edited(text, edits),
    added: missing.map(({ name }) => name),
    gone: marks.map(({ name }) => name),
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

function markGone(compiler: Ts, text: string, { name, node }: Handler, newline: string): Marking | undefined {
  const start = node.getStart();
  if (text.slice(node.getFullStart(), start).includes(goneMark(name))) return undefined;
  const comments = compiler.getLeadingCommentRanges(text, node.getFullStart()) ?? [];
  // Above the line, and above a comment that ends in it; not where that line begins with another handler.
  let line = lineStartOf(text, start);
  for (const { pos, end } of comments.toReversed()) if (pos < line && line < end) line = lineStartOf(text, pos);
  const at = line >= node.getFullStart() ? line : start;
  return { name, edit: insertAt(at, `${goneMark(name)}${newline}${indentAt(text, at)}`) };
}

function unmark(text: string, { name, node }: Handler): Marking | undefined {
  const mark = goneMark(name);
  const fullStart = node.getFullStart();
  const at = text.slice(fullStart, node.getStart()).indexOf(mark);
  if (at < 0) return undefined;
  const start = fullStart + at;
  // With the line end and the indentation that were put behind it.
  const behind = /^\r?\n[ \t]*/.exec(text.slice(start + mark.length))?.[0] ?? '';
  return { name, edit: { start, end: start + mark.length + behind.length, text: '' } };
}

function additions(
  compiler: Ts,
  text: string,
  holder: Holder,
  commands: readonly Command[],
  newline: string,
  first: boolean,
): Edit[] {
  const isObject = compiler.isObjectLiteralExpression(holder);
  const members: ts.NodeArray<ts.Node> = isObject ? holder.properties : holder.members;
  const outer = indentAt(text, lineStartOf(text, holder.end - 1));
  const indent = members[0] && isOnOwnLine(text, members[0]) ? indentAt(text, members[0].getStart()) : `${outer}  `;
  const skeletons = commands.map((command) => handlerText(command, indent, isObject ? ',' : ''));
  const added = skeletons.join('\n\n').replaceAll('\n', newline);
  if (first && isObject) {
    // What a spread brings from elsewhere stands behind, so that it counts.
    return [insertAt(holder.getStart() + 1, `${newline}${added}${newline}`)];
  }
  const brace = holder.end - 1;
  const before = text.slice(0, brace);
  const ownLine = /\n[ \t]*$/.exec(before);
  const at = ownLine ? ownLine.index + 1 : brace;
  const lead = ownLine ? '' : newline;
  const gap = members.length > 0 ? newline : '';
  const last = members.at(-1);
  const comma = isObject && last && !members.hasTrailingComma ? [insertAt(last.end, ',')] : [];
  const behind = ownLine ? '' : indentAt(text, lineStartOf(text, brace));
  return [...comma, insertAt(at, `${lead}${gap}${added}${newline}${behind}`)];
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
function importOfError(compiler: Ts, file: ts.SourceFile, runtime: string, newline: string): Edit[] {
  const imports = file.statements.filter((statement) => compiler.isImportDeclaration(statement));
  const isImported = imports.some(({ importClause }) => {
    const bindings = importClause?.namedBindings;
    if (!bindings || !compiler.isNamedImports(bindings)) return false;
    return bindings.elements.some(({ name }) => name.text === 'QmpError');
  });
  if (isImported) return [];
  const line = `import { QmpError } from ${stringLiteral(runtime)};`;
  const last = imports.at(-1);
  if (last) return [insertAt(last.end, `${newline}${line}`)];
  const at = file.statements[0]?.getStart() ?? 0;
  return [insertAt(at, `${line}${newline}`)];
}

function insertAt(start: number, text: string): Edit {
  return { start, end: start, text };
}
