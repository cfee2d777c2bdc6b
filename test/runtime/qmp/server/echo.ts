import type { Codec, CommandTable, JsonValue } from '../../../../runtime/index.js';

const anything: Codec<unknown> = {
  decode: (value) => value,
  encode: (value) => value as JsonValue,
  examine: () => [],
};

/** Handlers of commands that take and return anything. */
export interface EchoHandlers {
  echo(args: unknown): unknown;
  slow(args: unknown): Promise<unknown>;
}

/** Commands that return their arguments; `slow` takes a moment, and may be executed out of band. */
export const echoHandlers: EchoHandlers = { echo: (args) => args, slow: async (args) => args };

export const echoCommands = new Map(
  (['echo', 'slow'] as const).map((name) => [
    name,
    {
      name,
      arguments: anything,
      returns: anything,
      allowOob: name === 'slow',
      call: (handlers: EchoHandlers, args: unknown) => handlers[name](args),
    },
  ]),
) as CommandTable<EchoHandlers>;
