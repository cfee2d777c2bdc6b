/**
 * Opens and closes the tray of a drive, and prints the events that this causes.
 *
 *     node build/events.js unix:/run/qmp.sock cd0
 */
import { connect } from 'qapi-ts/runtime';
import type { Commands, Events } from './generated/client.js';

const [address = '/run/qmp.sock', device = 'cd0'] = process.argv.slice(2);
await using client = await connect<{ commands: Commands; events: Events }>(address);

// A listener hears of every event from now on; a pattern stands for all names that it fits.
client.on('DEVICE_*', ({ event, data, date }) => console.log(date.toISOString(), event, data));

// An event may come before the reply to the command that causes it: wait for it first.
const opened = client.waitFor('DEVICE_TRAY_MOVED', ({ data }) => data.device === device, { timeout: 5000 });
await client.execute('blockdev-open-tray', { device });
const { data } = await opened;
console.log(`the tray of ${device} is ${data['tray-open'] ? 'open' : 'closed'}`);

// As an asynchronous sequence, events are taken one by one; the block ends the subscription.
const moves = client.events('DEVICE_TRAY_MOVED', { signal: AbortSignal.timeout(5000) });
await client.execute('blockdev-close-tray', { device });
for await (const moved of moves) {
  if (moved.data['tray-open']) continue;
  console.log(`the tray of ${device} is closed`);
  break;
}
