/**
 * Lists the disks of a running program, how large they are and what they are stored in.
 *
 *     node build/query.js unix:/run/qmp.sock
 */
import { connect } from 'qapi-ts/runtime';
import type { Commands, Events } from './generated/client.js';

const [address = '/run/qmp.sock'] = process.argv.slice(2);
await using client = await connect<{ commands: Commands; events: Events }>(address);

for (const { device, inserted, locked } of await client.execute('query-block')) {
  if (inserted === undefined) {
    console.log(`${device}: empty`);
    continue;
  }
  const { drv, file, image } = inserted;
  console.log(`${device}: ${image['virtual-size']} bytes of ${drv} in ${file}${locked ? ', locked' : ''}`);
}
