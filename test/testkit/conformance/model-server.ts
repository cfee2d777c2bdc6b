import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { onTestFinished } from 'vitest';
import { introspect, type SchemaInfo } from '../../../generator/schema/introspect.js';
import type { Command, Schema } from '../../../generator/schema/model.js';
import type { JsonObject, JsonValue } from '../../../runtime/json/value.js';
import type { CommandEntry } from '../../../runtime/qmp/command-table.js';
import { builtinCommands } from '../../../runtime/qmp/server/builtins.js';
import { createQmpServer } from '../../../runtime/qmp/server/server.js';
import { codec } from '../../../runtime/visit/codec.js';
import { visitEmpty } from '../../../runtime/visit/scalars.js';
import { Samples } from '../../../testkit/samples.js';
import { ModelVisits } from '../../../testkit/schema-visits.js';
import { folderWith } from '../../cli/command-line.js';

/** An entry of the dispatch table, open to changes. */
export type Entry = { -readonly [K in keyof CommandEntry<object>]: CommandEntry<object>[K] };

/** How a server differs from what its schema says. */
export interface Deviation {
  /** Changes what it says of itself. */
  readonly infos?: (infos: SchemaInfo[]) => SchemaInfo[];
  /** Changes what it does. */
  readonly commands?: (commands: Map<string, Entry>) => void;
  /** Changes what goes over the wire. */
  readonly wire?: (message: JsonObject) => JsonObject;
  /** Hangs up when this command is executed. */
  readonly hangUpOn?: string;
  /** Sends an event after the client's first request, or after a command. */
  readonly event?: { readonly name: string; readonly data?: JsonObject; readonly after?: string };
}

/** Starts a server of a schema whose commands do nothing and return the smallest values; returns the path of its socket. */
export async function serveSchema(schema: Schema, deviation: Deviation = {}): Promise<string> {
  const { event } = deviation;
  const infos = introspect(schema, { mask: true });
  const commands = new Map(
    schema.definitions
      .filter((definition): definition is Command => definition.kind === 'command')
      .filter(({ name }) => !(builtinCommands as readonly string[]).includes(name))
      .map((command) => [command.name, entryOf(command)]),
  );
  deviation.commands?.(commands);
  const sockets = new Set<Socket>();
  const fatal = deviation.hangUpOn === undefined ? undefined : commands.get(deviation.hangUpOn);
  if (fatal) fatal.call = () => new Promise(() => sockets.forEach((socket) => void socket.destroy()));
  const server = await createQmpServer({
    dispatch: commands,
    handlers: {},
    introspection: deviation.infos?.(infos) ?? infos,
    version: { major: 1, minor: 2, micro: 3 },
  });
  const emit = (): void => void (event && server.events.emit(event.name, event.data));
  const cause = event?.after === undefined ? undefined : commands.get(event.after);
  if (cause) {
    const { call } = cause;
    cause.call = (...parameters) => {
      setImmediate(emit);
      return call(...parameters);
    };
  }
  const path = join(folderWith({}), 'qmp.sock');
  const listener = createServer((socket) => {
    sockets.add(socket);
    server.serve({ readable: socket, writable: tampering(socket, deviation.wire) });
    // The first chunk negotiates.
    let chunks = 0;
    if (event && event.after === undefined) socket.on('data', () => void (++chunks === 2 && setImmediate(emit)));
  });
  await new Promise<void>((resolve) => listener.listen(path, resolve));
  onTestFinished(async () => {
    listener.close();
    await server.close();
  });
  return path;
}

function entryOf({ name, arguments: args, returns, allowOob }: Command): Entry {
  const visits = new ModelVisits();
  const samples = new Samples(() => true);
  return {
    name,
    arguments: codec(args ? visits.of(args) : visitEmpty),
    ...(returns && { returns: codec(visits.of(returns)) }),
    allowOob,
    call: () => (returns ? structuredClone(samples.of(returns)) : undefined),
  };
}

/** Rewrites the messages on their way to a socket. */
function tampering(socket: Socket, change: Deviation['wire']): Socket | Transform {
  if (!change) return socket;
  const transform = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      // The server writes whole messages.
      const lines = chunk.toString().split('\r\n').slice(0, -1);
      const changed = lines.map((line) => {
        const message = JSON.parse(line) as JsonObject;
        return `${JSON.stringify('QMP' in message ? message : change(message))}\r\n`;
      });
      done(null, changed.join(''));
    },
  });
  transform.pipe(socket);
  return transform;
}

/** A copy of introspection data in which one entity is changed, found by its name or a member. */
export function changed<T extends SchemaInfo['meta-type']>(
  infos: readonly SchemaInfo[],
  type: T,
  find: (info: Extract<SchemaInfo, { 'meta-type': T }>) => boolean,
  change: (info: Extract<SchemaInfo, { 'meta-type': T }>) => void,
): SchemaInfo[] {
  const copy = structuredClone(infos) as SchemaInfo[];
  const found = copy.find(
    (info): info is Extract<SchemaInfo, { 'meta-type': T }> =>
      info['meta-type'] === type && find(info as Extract<SchemaInfo, { 'meta-type': T }>),
  );
  if (!found) throw new Error(`no such ${type}`);
  change(found);
  return copy;
}

/** A codec that decodes as another, but first changes the value: so a server overlooks a fault. */
export function overlooking(entry: Entry, mend: (args: JsonObject) => JsonValue): void {
  const { arguments: original } = entry;
  entry.arguments = { ...original, decode: (value, options) => original.decode(mend(value as JsonObject), options) };
}
