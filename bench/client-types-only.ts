/** For `bundle.ts`: what most programs do. Of the generated code they import types alone. */
import type { Commands, Events } from '../generated/client.js';
import { connect } from '../runtime/index.js';

const client = await connect<{ commands: Commands; events: Events }>('/run/qmp.sock');
await client.execute('query-block-jobs');
await client.execute('blockdev-add', { driver: 'null-co', 'node-name': 'n' });
await client.execute('blockdev-del', { 'node-name': 'n' });
await client.close();
