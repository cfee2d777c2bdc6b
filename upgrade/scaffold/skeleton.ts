import { codeSpan } from '../../generator/doc/markdown.js';
import { addNameList, commentLines, type DocContext, definitionDoc } from '../../generator/doc/tsdoc.js';
import { commentText } from '../../generator/emit/comment.js';
import { memberName, stringLiteral } from '../../generator/emit/identifier.js';
import type { Command, Member } from '../../generator/schema/model.js';
import { shapeOf } from '../../generator/schema/shapes.js';

/** Where a file of handlers imports from. */
export interface HandlerImports {
  /** The index of the generated code: `./generated/index.js`. */
  readonly generated: string;
  readonly runtime: string;
}

/** What a handler does until it is written. */
const body = 'TODO(qapi-ts): not implemented';

const context: DocContext = { width: 110, link: codeSpan };

/** The text of a new file with a handler for each of some commands. */
export function newHandlers(commands: readonly Command[], { generated, runtime }: HandlerImports): string {
  const methods = commands.map((command) => `${handlerText(command, '  ')}\n`);
  return `import { QmpError, type ServerHandlers } from ${stringLiteral(runtime)};
import type { CommandHandlers } from ${stringLiteral(generated)};

${commentText(['What the commands of the schema do.'])}export const handlers: ServerHandlers<CommandHandlers> = {
${methods.join('\n')}};
`;
}

/** A handler that answers with an error, as a method of an object; lines end with LF. */
export function handlerText(command: Command, indent: string, separator = ','): string {
  const isNamed = command.arguments !== undefined;
  return `${commentText(documentation(command), indent)}${indent}${memberName(command.name)}(${isNamed ? '_args' : ''}) {
${indent}${indent}// ${body}
${indent}${indent}throw new QmpError(${stringLiteral(`${command.name} is not implemented`)});
${indent}}${separator}`;
}

/** What the schema says of a command and of its arguments; examples are on the generated types. */
function documentation(command: Command): readonly string[] {
  const parts = definitionDoc(command, command.doc, context);
  const args = command.arguments;
  const members: readonly Member[] = args && args.kind !== 'alternate' ? [...shapeOf(args).members.values()] : [];
  addNameList(parts, members, args?.implicit === false ? args.doc : command.doc, context);
  return commentLines({ ...parts, examples: [] });
}
