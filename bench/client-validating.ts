/** For `bundle.ts`: the same with every message held against the schema, which brings all generated code with it. */
import * as generated from '../generated/index.js';
import { checkedBy, connect } from '../runtime/index.js';

const client = await connect<{ commands: generated.Commands; events: generated.Events }>('/run/qmp.sock', {
  validate: 'strict',
  schema: checkedBy(generated),
});
await client.execute('query-block-jobs');
await client.execute('blockdev-add', { driver: 'null-co', 'node-name': 'n' });
await client.execute('blockdev-del', { 'node-name': 'n' });
await client.close();
