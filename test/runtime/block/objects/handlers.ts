import { type CommandHandlers, commands } from '../../../../generated/index.js';
import { objectHandlers } from '../../../../runtime/block/commands/objects.js';
import type { UserObjects } from '../../../../runtime/block/objects/user-objects.js';

/** A request as a client sends it. */
export interface Request {
  readonly execute:
    | 'object-add'
    | 'object-del'
    | 'qom-list'
    | 'qom-get'
    | 'qom-set'
    | 'qom-list-types'
    | 'qom-list-properties';
  readonly arguments: { readonly [name: string]: unknown };
}

/** Executes a request as a server does: decodes its arguments, calls the handler, and encodes what it returns. */
export async function execute(objects: UserObjects, request: Request): Promise<unknown> {
  const entry = commands.get(request.execute);
  if (entry === undefined) throw new Error(`the schema has no '${request.execute}'`);
  const args = entry.arguments.decode(request.arguments);
  const handlers = objectHandlers(objects, { objects: objects, devices: [] }) as unknown as CommandHandlers;
  const result = await entry.call(handlers, args, {
    command: entry.name,
    outOfBand: false,
    signal: new AbortController().signal,
  });
  return entry.returns === undefined ? {} : entry.returns.encode(result);
}
