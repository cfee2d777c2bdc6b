/**
 * Serves a schema of its own: the heating of a house (`heating.json`).
 *
 *     npx qapi-ts generate heating.json -o generated-heating
 *     node build/server.js unix:/tmp/heating.sock &
 *     npx qapi-ts shell /tmp/heating.sock
 *
 * The compiler sees to it that every command has a handler, and that it takes and returns what the schema says.
 */
import { createQmpServer, type ListenAddress, QmpError } from 'qapi-ts/runtime';
import { commands, emitTargetReached, events, introspection, type Room } from './generated-heating/index.js';

const rooms: Room[] = ['kitchen', 'study'].map((name) => ({ name, temperature: 17 }));

await using server = await createQmpServer({
  dispatch: commands,
  events,
  introspection,
  listen: (process.argv[2] ?? 'unix:/tmp/heating.sock') as ListenAddress,
  handlers: (sink) => ({
    'query-rooms': () => rooms,
    heat({ room: name, target }) {
      const room = rooms.find((room) => room.name === name);
      if (room === undefined) throw new QmpError(`There is no room '${name}'`);
      if (target === undefined) delete room.target;
      else room.target = target;
      if (target === undefined || target <= room.temperature) return;
      // A simulated radiator: the room is warm at once.
      room.temperature = target;
      emitTargetReached(sink, { room: name });
    },
  }),
});
console.log(`serving ${server.addresses.join(', ')}`);
await server.closed;
