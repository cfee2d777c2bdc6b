import { type Meaning, MessageReader } from '../schema/examples/meaning.js';
import { type ExampleMessage, messagesIn } from '../schema/examples/messages.js';
import type { Schema } from '../schema/model.js';
import { memberName } from './identifier.js';
import { type LiteralOptions, literalLines } from './literal.js';

/** A message of an example, and what it is. */
interface Read {
  readonly message: ExampleMessage;
  readonly meaning: Meaning;
}

/**
 * The messages of an example as calls of a client's methods. Replies, errors and events become comments, and so does the text
 * around them.
 *
 * @returns undefined when the example calls nothing, or shows a call that is not whole or not as the schema says
 */
export function callsOf(schema: Schema, code: readonly string[], options: LiteralOptions): string[] | undefined {
  const text = code.join('\n');
  const reader = new MessageReader(schema);
  const read = messagesIn(text).map((message): Read => ({ message, meaning: reader.read(message) }));
  const sent = read.filter(({ message }) => message.direction === 'sent');
  if (sent.length === 0 || sent.some(({ meaning }) => meaning.kind !== 'call')) return undefined;
  const lines: string[] = [];
  let end = 0;
  for (const { message, meaning } of read) {
    lines.push(...remarks(text.slice(end, message.start)));
    const printed = meaning.kind === 'call' ? callLines(meaning, options) : receivedLines(meaning, message, options);
    if (!printed) return undefined;
    lines.push(...printed);
    end = message.end;
  }
  return [...lines, ...remarks(text.slice(end))];
}

function callLines(
  { command, arguments: given, oob }: Extract<Meaning, { kind: 'call' }>,
  options: LiteralOptions,
): string[] | undefined {
  const name = memberName(command.name);
  const method = name === command.name ? `client.commands.${name}` : `client.commands[${name}]`;
  const isEmpty = Object.keys(given).length === 0;
  if (isEmpty && !oob) return [`await ${method}();`];
  return literalLines(given, command.arguments, options, [`await ${method}(`, oob ? ', { oob: true });' : ');']);
}

function receivedLines(meaning: Meaning, message: ExampleMessage, options: LiteralOptions): string[] {
  const narrower = { ...options, width: options.width - 3 };
  return comments(receivedText(meaning, narrower) ?? [`<- ${message.text}`]);
}

/** What is received, in TypeScript; undefined when it cannot be read. */
function receivedText(meaning: Meaning, options: LiteralOptions): string[] | undefined {
  switch (meaning.kind) {
    case 'reply':
      // A method whose command returns nothing returns nothing either.
      if (meaning.command && !meaning.command.returns) return [];
      return literalLines(meaning.value, meaning.command?.returns, options, ['returns ', '']);
    case 'error': {
      const { class: name, desc } = (meaning.error ?? {}) as { class?: unknown; desc?: unknown };
      return [`throws ${name}: ${desc}`];
    }
    case 'event':
      return literalLines(meaning.data, meaning.event.arguments, options, [`event ${meaning.event.name} `, '']);
    default:
      return undefined;
  }
}

/** Text between messages. */
function remarks(text: string): string[] {
  return comments(text.split('\n').map((line) => line.trim()));
}

function comments(lines: readonly string[]): string[] {
  return lines
    .flatMap((line) => line.split('\n'))
    .filter((line) => line.trim() !== '')
    .map((line) => `// ${line.trimEnd()}`);
}
