import type { Codec, Difference } from '../json/codec.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../json/value.js';
import type { SchemaDifference, ValidateOptions } from './client-options.js';
import { QmpSchemaError } from './failure.js';

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

/** The part of the options that says how to validate; undefined when nothing is to be. */
export function validationOf(options: ValidateOptions): Validation | undefined {
  if (options.validate !== 'report' && options.validate !== 'strict') return undefined;
  const { validate, schema, onDifference } = options;
  const receive = (
    part: Part,
    name: string,
    codec: Codec<unknown> | undefined,
    value: JsonValue | undefined,
  ): unknown => {
    const differences = codec && value !== undefined ? codec.examine(value) : unlikeNothing(value, codec);
    if (differences.length === 0) return codec ? codec.decode(value) : value;
    for (const difference of differences) onDifference?.({ name, part, ...difference });
    if (validate === 'strict')
      throw new QmpSchemaError(`what ${name} ${VERBS[part]} is not as the schema has it`, differences);
    return value;
  };
  const unknown = (part: Part, name: string): void =>
    onDifference?.({
      name,
      part,
      kind: 'unexpected',
      path: [],
      message: `the schema has no ${part === 'data' ? 'event' : 'command'} ${name}`,
    });
  return {
    arguments: (command, value) => {
      const entry = schema.commands.get(command);
      if (validate !== 'strict' || !entry) return value;
      return entry.arguments.encode(value ?? {}) as JsonObject;
    },
    returns: (command, value) => {
      const entry = schema.commands.get(command);
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
