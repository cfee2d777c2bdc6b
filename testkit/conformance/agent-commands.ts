import { describeCondition } from '../../generator/schema/condition.js';
import type { Command, Schema } from '../../generator/schema/model.js';
import type { Check } from './check.js';

/** What `guest-info` says of a command. */
export interface AgentCommand {
  readonly name: string;
  /** Whether the administrator of the guest allows it. */
  readonly enabled: boolean;
  /** Whether its success is answered. */
  readonly successResponse: boolean;
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
