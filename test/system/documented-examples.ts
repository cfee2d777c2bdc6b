import { documentationOf } from '../../generator/doc/documentation.js';
import type { Block } from '../../generator/doc/tree.js';
import { type ExampleMessage, messagesIn } from '../../generator/schema/examples/messages.js';
import { loadSchema } from '../../generator/schema/load.js';
import type { Schema } from '../../generator/schema/model.js';

/* The exchanges in the documentation of commands, as they are written there. */

type Json = { readonly [member: string]: unknown };

/** An exchange that the documentation of a definition shows. */
export interface DocumentedExample {
  /** The definition, and the number of the example where it has several: `qom-get 2`. */
  readonly name: string;
  readonly messages: readonly { readonly sent: boolean; readonly message: Json | undefined }[];
}

/** The examples of a schema in which a client sends commands, all of which another schema has. */
export async function documentedExamples(root: string, own: Schema): Promise<DocumentedExample[]> {
  const { schema, diagnostics } = await loadSchema(root, { dialect: 'auto', advice: false });
  if (!schema) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  const found: DocumentedExample[] = [];
  for (const { definitions } of schema.modules) {
    for (const { name, doc } of definitions) {
      const examples = codeIn(documentationOf(doc).content).flatMap((code) => {
        const messages = messagesIn(code).map((message) => ({
          sent: message.direction === 'sent',
          message: jsonOf(message),
        }));
        const commands = messages.flatMap(({ sent, message }) => (sent ? [String(message?.execute)] : []));
        const known = commands.every((command) => own.lookup(command)?.kind === 'command');
        return commands.length > 0 && known ? [messages] : [];
      });
      for (const [index, messages] of examples.entries()) {
        found.push({ name: examples.length === 1 ? name : `${name} ${index + 1}`, messages });
      }
    }
  }
  return found;
}

/** The code of each example. */
function codeIn(blocks: readonly Block[]): string[] {
  return blocks.flatMap((block) => {
    if (block.kind !== 'example') return 'content' in block && block.kind === 'admonition' ? codeIn(block.content) : [];
    return [block.content.flatMap((part) => (part.kind === 'code' ? part.lines : [])).join('\n')];
  });
}

/** A message; nothing where `...` stands for a part of it. Some examples of statistics have no comma where a line ends. */
function jsonOf({ text, shortened }: ExampleMessage): Json | undefined {
  return shortened ? undefined : JSON.parse(text.replaceAll(/(\d)(\s*\n\s*")/g, '$1,$2'));
}

/** Members whose values depend on the machine, the time and the images. */
const variable =
  /(offset|bytes|operations|_ns|size|sec|thread-id|UUID|filename|file|count|qdev|major|minor|micro|package)$/;

/** What elements of lists are called. Two have the same place in a list when they have the same name. */
function keyOf(element: unknown): unknown {
  if (typeof element !== 'object' || element === null) return undefined;
  const { 'node-name': node, device } = element as Json;
  return node ?? device;
}

/**
 * What a value lacks of a documented one: members, kinds of values, and the values themselves where they do not depend on the
 * machine. What it has beside that is no difference.
 */
export function differences(documented: unknown, ours: unknown, path = 'return'): string[] {
  if (Array.isArray(documented)) {
    if (!Array.isArray(ours)) return [`${path}: a list is documented`];
    if (ours.length < documented.length) return [`${path}: ${documented.length} elements are documented`];
    return documented.flatMap((element, index) => {
      const same = ours.find((other) => keyOf(other) !== undefined && keyOf(other) === keyOf(element));
      return differences(element, same ?? ours[index], `${path}[${index}]`);
    });
  }
  if (typeof documented === 'object' && documented !== null) {
    if (typeof ours !== 'object' || ours === null) return [`${path}: an object is documented`];
    return Object.entries(documented).flatMap(([name, value]) =>
      name in ours ? differences(value, (ours as Json)[name], `${path}.${name}`) : [`${path}.${name} is missing`],
    );
  }
  if (typeof documented !== typeof ours) return [`${path}: a ${typeof documented} is documented`];
  if (documented === ours || variable.test(path)) return [];
  return [`${path}: ${JSON.stringify(documented)} is documented, not ${JSON.stringify(ours)}`];
}
