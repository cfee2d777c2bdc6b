import type { JsonObject, JsonValue } from '../../json/value.js';
import { QmpError } from '../error.js';
import type { ServerSession } from './session.js';

/** The commands that every server has, whatever its schema. */
export const builtinCommands = [
  'qmp_capabilities',
  'query-version',
  'query-commands',
  'query-qmp-schema',
  'quit',
] as const;

/** The name of a command that the server itself executes. */
export type BuiltinCommand = (typeof builtinCommands)[number];

/** What the built-in commands need to know of their server. */
export interface BuiltinContext {
  readonly version: JsonObject;
  readonly commands: readonly string[];
  readonly introspection: JsonValue;
  quit(): void;
}

/** A command that the server itself executes: checks the arguments and gives the result. */
export type Builtin = (args: JsonObject, session: ServerSession) => JsonValue;

/** The built-in commands of a server. */
export function builtins(context: BuiltinContext): { readonly [name in BuiltinCommand]: Builtin } {
  return {
    qmp_capabilities: negotiate,
    'query-version': withoutArguments(() => context.version),
    'query-commands': withoutArguments(() => context.commands.map((name) => ({ name }))),
    'query-qmp-schema': withoutArguments(() => context.introspection),
    quit: withoutArguments(() => {
      context.quit();
      return {};
    }),
  };
}

function withoutArguments(result: () => JsonValue): Builtin {
  return (args) => {
    checkMembers(args, []);
    return result();
  };
}

const knownCapabilities: readonly JsonValue[] = ['oob'];

function negotiate(args: JsonObject, session: ServerSession): JsonValue {
  const wanted = Object.hasOwn(args, 'enable') ? args.enable : [];
  if (!Array.isArray(wanted)) throw new QmpError('enable: expected a list of capabilities');
  for (const [index, capability] of wanted.entries()) {
    if (!knownCapabilities.includes(capability)) {
      throw new QmpError(`enable[${index}]: expected a capability; known are ${knownCapabilities.join(', ')}`);
    }
  }
  checkMembers(args, ['enable']);
  if (!session.negotiating) {
    throw new QmpError('Capabilities have been negotiated already', { class: 'CommandNotFound' });
  }
  const missing = wanted.filter((capability) => !session.offered.includes(capability as string));
  if (missing.length > 0) throw new QmpError(`This connection does not offer ${[...new Set(missing)].join(', ')}`);
  session.negotiated(wanted as string[]);
  return {};
}

function checkMembers(args: JsonObject, known: readonly string[]): void {
  for (const name of Object.keys(args)) if (!known.includes(name)) throw new QmpError(`${name}: unexpected argument`);
}
