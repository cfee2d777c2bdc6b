import type { DocBlock } from '../../syntax/doc-block.js';
import { type Diagnostic, type DiagnosticName, type DiagnosticParameters, diagnostic } from '../../text/diagnostic.js';
import type { Span } from '../../text/source-file.js';
import type { Command, ObjectType, Schema, Type } from '../model.js';
import { type ExampleMessage, messagesOf } from './messages.js';
import { faultOf } from './values.js';

type Message = Readonly<Record<string, unknown>>;

/**
 * Checks the examples in a schema's documentation: the messages behind `->` and `<-` are JSON, and what the schema describes.
 * Messages with `...`, which stands for something that is left out, are not looked at.
 */
export function checkExamples(schema: Schema): Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const { docs } of schema.modules) for (const block of docs) found.push(...new Examples(schema, block).check());
  return found;
}

/** The examples of one documentation block. */
class Examples {
  readonly #schema: Schema;
  readonly #block: DocBlock;
  /** The command whose reply comes next. */
  #last: Command | undefined;

  constructor(schema: Schema, block: DocBlock) {
    this.#schema = schema;
    this.#block = block;
  }

  *check(): Generator<Diagnostic> {
    for (const message of messagesOf(this.#block)) {
      const value = message.shortened ? undefined : parsed(message.text);
      if (typeof value === 'string') yield this.#report('example-not-json', { reason: value }, message.span);
      else if (value) yield* this.#message(value, message);
      else this.#last = undefined;
    }
  }

  #message(value: Message, message: ExampleMessage): Diagnostic[] {
    return message.direction === 'sent' ? this.#sent(value, message) : this.#received(value, message);
  }

  #sent(value: Message, { span }: ExampleMessage): Diagnostic[] {
    this.#last = undefined;
    const name = value.execute ?? value['exec-oob'];
    if (typeof name !== 'string') return [this.#invalid("the request has no 'execute'", span)];
    const command = this.#schema.lookup(name);
    if (command?.kind !== 'command') return [this.#report('example-of-nothing', { what: 'command', name }, span)];
    this.#last = command;
    return this.#value(value.arguments ?? {}, command.arguments, 'arguments', span, !command.gen);
  }

  #received(value: Message, { span }: ExampleMessage): Diagnostic[] {
    if ('event' in value) {
      const name = String(value.event);
      const event = this.#schema.lookup(name);
      if (event?.kind !== 'event') return [this.#report('example-of-nothing', { what: 'event', name }, span)];
      return this.#value(value.data ?? {}, event.arguments, 'data', span, false);
    }
    if ('error' in value || 'QMP' in value) return [];
    if (!('return' in value)) return [this.#invalid('the message is neither a reply nor an event', span)];
    const command = this.#last;
    // What a reply answers may stand elsewhere.
    return command ? this.#value(value.return, command.returns, 'return', span, false) : [];
  }

  #value(value: unknown, type: Type | undefined, path: string, span: Span, open: boolean): Diagnostic[] {
    const fault = faultOf(value, type ?? (this.#schema.lookup('q_empty') as ObjectType), path, { open });
    return fault === undefined ? [] : [this.#invalid(fault, span)];
  }

  #invalid(fault: string, span: Span): Diagnostic {
    return this.#report('example-not-valid', { fault }, span);
  }

  #report<N extends DiagnosticName>(name: N, parameters: DiagnosticParameters<N>, span: Span): Diagnostic {
    const { symbol, span: block } = this.#block;
    return diagnostic(name, parameters, span, symbol && { definition: { name: symbol.name, span: block } });
  }
}

/** The message that a text is; what is wrong with it, when it is none. */
function parsed(text: string): Message | string {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Message) : 'it is no object';
  } catch (error) {
    return reasonOf(error as Error);
  }
}

/** What the parser says, without the text that it shows: the place shows that. */
function reasonOf({ message }: Error): string {
  return message.replace(
    /, ?"?(\.\.\.)?[\s\S]*" is not valid JSON$| in JSON at position [\s\S]*$| \(line [\s\S]*$/,
    '',
  );
}
