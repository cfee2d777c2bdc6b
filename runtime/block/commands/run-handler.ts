import type { Commands } from '../../../generated/index.js';
import { BlockError } from '../error.js';
import type { BlockHandlers } from './handlers.js';

/** Executes a command of the protocol on behalf of another one. @throws what its client would receive */
export function runHandler<Name extends keyof Commands>(
  handlers: BlockHandlers,
  name: Name,
  args: Commands[Name]['arguments'],
): Promise<Commands[Name]['returns']> | Commands[Name]['returns'] {
  const all = handlers as unknown as {
    readonly [name: string]: ((args: unknown, context: unknown) => never) | undefined;
  };
  const handler = all[name];
  if (handler === undefined)
    throw new BlockError(`The command ${name} has not been found`, { class: 'CommandNotFound' });
  const context = { command: name, outOfBand: false, signal: new AbortController().signal };
  return handler(args, context);
}
