import type { Codec, Difference } from '../json/codec.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../json/value.js';
import type { CommandEntry, CommandTable, ReplyEntry } from './command-table.js';
import type { EventEntry, EventTable } from './event-sink.js';

/** What the generator knows of a schema at run time: its tables of commands and events. */
export interface SchemaTables {
  // biome-ignore lint/suspicious/noExplicitAny: a table fits whatever handlers it is for
  readonly commands: CommandTable<any>;
  readonly events: EventTable;
}

/** Some commands and events of a schema. What else is sent and received is not looked at. */
export interface SchemaParts {
  // biome-ignore lint/suspicious/noExplicitAny: an entry fits whatever handlers it is for
  readonly commands?: readonly CommandEntry<any>[];
  /** Commands of which only the replies are looked at: the server checks arguments anyway, and they can take most of the code. */
  readonly replies?: readonly ReplyEntry[];
  readonly events?: readonly EventEntry[];
}

/** A way in which a message is not as the schema has it. */
export interface SchemaDifference extends Difference {
  /** The command or event whose message it is. */
  readonly name: string;
  /** What a command `returns`, or the `data` of an event. */
  readonly part: 'returns' | 'data';
}

/** Holds what is sent and received against the schema. */
export interface Validation {
  /** Checks arguments before they are sent. */
  arguments(command: string, value: JsonObject | undefined): JsonObject | undefined;
  /** Checks what a command has returned. */
  returns(command: string, value: JsonValue): unknown;
  /** Checks what an event carries. */
  data(event: string, value: JsonValue | undefined): unknown;
}

type Part = SchemaDifference['part'];

const VERBS: Record<Part, string> = { returns: 'returned', data: 'carried' };

/** The peer sent something that differs from the schema, and the client validates strictly. */
export class QmpSchemaError extends Error {
  override readonly name: string = 'QmpSchemaError';
  /** All that is not as it should be. */
  readonly differences: readonly Difference[];

  constructor(what: string, differences: readonly Difference[]) {
    const [first, ...others] = differences;
    super(`${what}: ${first?.message}${others.length > 0 ? `, and ${others.length} more` : ''}`);
    this.differences = differences;
  }
}

/** Makes the validation that a client's options ask for. */
export type SchemaCheck = (mode: 'report' | 'strict', report?: (difference: SchemaDifference) => void) => Validation;

/**
 * What `validate` holds messages against: the tables that the generator wrote, or some entries of them. A bundler leaves out what only
 * other commands need.
 *
 * @example
 * import * as generated from './generated/index.js';
 * await connect(address, { validate: 'report', schema: checkedBy(generated), onDifference: console.log });
 *
 * @example
 * import { commandOfQueryBlock } from './generated/block-core/commands.js';
 * await connect(address, { validate: 'strict', schema: checkedBy({ commands: [commandOfQueryBlock] }) });
 *
 * @example
 * import { replyOfQueryBlock } from './generated/block-core/commands.js';
 * await connect(address, { validate: 'strict', schema: checkedBy({ replies: [replyOfQueryBlock] }) });
 */
export function checkedBy(schema: SchemaTables | SchemaParts): SchemaCheck {
  const whole = schema.commands instanceof Map && schema.events instanceof Map;
  const commands = byName(schema.commands);
  const replies = byName<ReplyEntry>([...commands.values(), ...('replies' in schema ? (schema.replies ?? []) : [])]);
  const events = byName(schema.events);
  return (mode, report) => validation({ commands, events }, replies, whole, mode, report);
}

function byName<T extends { readonly name: string }>(
  entries: ReadonlyMap<string, T> | readonly T[] = [],
): ReadonlyMap<string, T> {
  return entries instanceof Map ? entries : new Map((entries as readonly T[]).map((entry) => [entry.name, entry]));
}

/** @param whole whether the schema has no other commands and events */
function validation(
  schema: SchemaTables,
  replies: ReadonlyMap<string, ReplyEntry>,
  whole: boolean,
  mode: 'report' | 'strict',
  report: Parameters<SchemaCheck>[1],
): Validation {
  const receive = (
    part: Part,
    name: string,
    codec: Codec<unknown> | undefined,
    value: JsonValue | undefined,
  ): unknown => {
    const differences = codec && value !== undefined ? codec.examine(value) : unlikeNothing(value, codec);
    if (differences.length === 0) return codec ? codec.decode(value) : value;
    for (const difference of differences) report?.({ name, part, ...difference });
    if (mode === 'strict')
      throw new QmpSchemaError(`what ${name} ${VERBS[part]} is not as the schema has it`, differences);
    return value;
  };
  const unknown = (part: Part, name: string): void => {
    if (!whole) return;
    report?.({
      name,
      part,
      kind: 'unexpected',
      path: [],
      message: `the schema has no ${part === 'data' ? 'event' : 'command'} ${name}`,
    });
  };
  return {
    arguments: (command, value) => {
      const entry = schema.commands.get(command);
      if (mode !== 'strict' || !entry) return value;
      return entry.arguments.encode(value ?? {}) as JsonObject;
    },
    returns: (command, value) => {
      const entry = replies.get(command);
      if (entry) return receive('returns', command, entry.returns, value);
      unknown('returns', command);
      return value;
    },
    data: (event, value) => {
      const entry = schema.events.get(event);
      if (entry) return receive('data', event, entry.data, value);
      unknown('data', event);
      return value;
    },
  };
}

/** Where the schema has nothing, there is nothing, or an object without members; where it has something, something must be. */
function unlikeNothing(value: JsonValue | undefined, codec: Codec<unknown> | undefined): readonly Difference[] {
  if (codec) return [{ kind: 'missing', path: [], message: 'there is none' }];
  if (value === undefined || (isJsonObject(value) && Object.keys(value).length === 0)) return [];
  return [{ kind: 'unexpected', path: [], message: 'the schema has none' }];
}
