import { Connection } from './connection.js';
import type { QmpGreeting } from './greeting.js';
import type { Protocol } from './link.js';

/** How many in-band requests leave a server able to read an out-of-band one: with more of them waiting it stops reading. */
const IN_BAND_LIMIT = 8;

/** Agrees with a QMP server on how to talk, once it has greeted. */
export const qmpProtocol: Protocol = (streams, name, hooks, wantsOob) => {
  const connection = new Connection(streams, name, hooks, (greeting) => {
    const offered = (greeting as Partial<QmpGreeting>).capabilities;
    const oob = wantsOob && Array.isArray(offered) && offered.includes('oob');
    connection.send({
      command: 'qmp_capabilities',
      arguments: oob ? { enable: ['oob'] } : undefined,
      oob: false,
      reject: hooks.failed,
      resolve: () => {
        if (oob) connection.limit = IN_BAND_LIMIT;
        hooks.ready(greeting as unknown as QmpGreeting, oob);
      },
    });
  });
  return connection;
};
