import { schemaFromIntrospection } from '../../generator/schema/from-introspection.js';
import { introspect, type SchemaInfo } from '../../generator/schema/introspect.js';
import { loadSchema } from '../../generator/schema/load.js';
import type { Command, Event, Schema } from '../../generator/schema/model.js';
import { memoryHost } from '../../generator/syntax/host.js';
import type { JsonValue } from '../../runtime/json/value.js';
import type { CommandEntry, CommandTable } from '../../runtime/qmp/command-table.js';
import type { EventEntry, EventTable } from '../../runtime/qmp/event-sink.js';
import { codec } from '../../runtime/visit/codec.js';
import { visitAny, visitEmpty } from '../../runtime/visit/scalars.js';
import { ModelVisits } from '../schema-visits.js';

/** What the generator writes of a schema, as far as a mock needs it: `import * as generated from './generated/index.js'`. */
export interface GeneratedSchema<Handlers> {
  readonly commands: CommandTable<Handlers>;
  readonly events: EventTable;
  readonly introspection: readonly (object | JsonValue)[];
}

/** What a mock speaks: a schema, or the code that was generated from it. */
export type MockSource<Handlers> = Schema | GeneratedSchema<Handlers>;

/** A schema in the forms in which a mock uses it. */
export interface MockModel {
  /** For values of its types. */
  readonly schema: Schema;
  readonly commands: CommandTable<object>;
  readonly events: EventTable;
  readonly introspection: readonly (object | JsonValue)[];
}

/** A test file has a mock for each test, of the same schema. */
const models = new WeakMap<object, Promise<MockModel>>();

/**
 * Reads what a mock is to speak.
 *
 * @throws TypeError when the introspection data of generated code is none
 */
export function modelOf<Handlers>(source: MockSource<Handlers>): Promise<MockModel> {
  let model = models.get(source);
  if (model === undefined) {
    model = readModel(source);
    models.set(source, model);
  }
  return model;
}

async function readModel<Handlers>(source: MockSource<Handlers>): Promise<MockModel> {
  if ('lookup' in source) return ofSchema(source);
  const text = schemaFromIntrospection(source.introspection as readonly SchemaInfo[], 'the generated code');
  const { schema } = await loadSchema('introspection.json', {
    host: memoryHost({ 'introspection.json': text }),
    advice: false,
  });
  if (!schema) throw new TypeError('the introspection data of the generated code is not that of a schema');
  return { ...source, schema, commands: source.commands as CommandTable<unknown> as CommandTable<object> };
}

function ofSchema(schema: Schema): MockModel {
  const visits = new ModelVisits();
  const commands = new Map<string, CommandEntry<object>>();
  const events = new Map<string, EventEntry>();
  for (const definition of schema.definitions) {
    if (definition.kind === 'command') commands.set(definition.name, commandEntry(definition, visits));
    else if (definition.kind === 'event') events.set(definition.name, eventEntry(definition, visits));
  }
  return { schema, commands, events, introspection: introspect(schema, { mask: true }) };
}

type Handler = (args: unknown, context: unknown) => unknown;

function commandEntry(command: Command, visits: ModelVisits): CommandEntry<object> {
  const { name, arguments: args, returns, gen, features } = command;
  // Without generated marshalling a command looks at its arguments itself.
  const visit = gen ? args && visits.of(args) : visitAny;
  return {
    name,
    arguments: codec<unknown>(visit ?? visitEmpty),
    ...(returns && { returns: codec(visits.of(returns)) }),
    call: (handlers, given, context) => (handlers as Record<string, Handler>)[name]?.(given, context),
    allowOob: command.allowOob,
    allowPreconfig: command.allowPreconfig,
    successResponse: command.successResponse,
    features: features.map((feature) => feature.name),
  };
}

function eventEntry({ name, arguments: data, features }: Event, visits: ModelVisits): EventEntry {
  return {
    name,
    ...(data && { data: codec(visits.of(data)) }),
    features: features.map((feature) => feature.name),
  };
}
