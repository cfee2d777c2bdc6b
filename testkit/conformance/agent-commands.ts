import { describeCondition } from '../../generator/schema/condition.js';
import type { Command, Schema } from '../../generator/schema/model.js';
import { isJsonObject, type JsonValue } from '../../runtime/json/value.js';
import type { Check } from './check.js';

/** What `guest-info` says of a command. */
export interface AgentCommand {
  readonly name: string;
  /** Whether the administrator of the guest allows it. */
  readonly enabled: boolean;
  /** Whether its success is answered. */
  readonly successResponse: boolean;
}

/** What a guest agent says of itself. */
export interface AgentInfo {
  /** What it is, as to be named to the user: `QEMU guest agent 7.2.22`. */
  readonly version: string;
  readonly commands: readonly AgentCommand[];
}

/** Reads what `guest-info` returned; undefined when it is no list of commands. */
export function readAgentInfo(info: JsonValue): AgentInfo | undefined {
  const { version, supported_commands: commands } = isJsonObject(info) ? info : {};
  if (!Array.isArray(commands)) return undefined;
  return {
    version: typeof version === 'string' ? `QEMU guest agent ${version}` : 'a guest agent of unknown version',
    commands: commands
      .filter(isJsonObject)
      .flatMap(({ name, enabled, 'success-response': answered }) =>
        typeof name === 'string' ? [{ name, enabled: enabled !== false, successResponse: answered !== false }] : [],
      ),
  };
}

/** Compares what an agent says of its commands with the schema. An agent has no introspection that would say more. */
export function checkAgentCommands(schema: Schema, commands: readonly AgentCommand[]): Check[] {
  const defined = schema.definitions.filter((definition): definition is Command => definition.kind === 'command');
  const listed = new Map(commands.map((command) => [command.name, command]));
  const known = defined.map((definition): Check => {
    const { name, condition, successResponse } = definition;
    const check = { group: 'introspection', name } as const;
    const found = listed.get(name);
    if (found) {
      const differs = found.successResponse !== successResponse;
      const says = `${name}: its success is ${found.successResponse ? '' : 'not '}answered, unlike in the schema`;
      return { ...check, problems: differs ? [says] : [] };
    }
    if (!condition) return { ...check, problems: [`${name}: guest-info does not list it`] };
    return { ...check, problems: [], excused: [{ path: name, condition: describeCondition(condition.value) }] };
  });
  const names = new Set(defined.map(({ name }) => name));
  const unknown = commands.filter(({ name }) => !names.has(name));
  return [
    ...known,
    ...unknown.map(({ name }): Check => ({ group: 'introspection', name, problems: [`${name}: the schema lacks it`] })),
  ];
}
