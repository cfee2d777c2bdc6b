/** For `bundle.ts`: every reply held against the schema, which brings what those of these commands need of the generated code. */
import type { Commands, Events } from '../generated/client.js';
import { replyOfBlockdevAdd, replyOfBlockdevDel, replyOfQueryBlockJobs } from '../generated/index.js';
import { checkedBy, connect } from '../runtime/index.js';

const client = await connect<{ commands: Commands; events: Events }>('/run/qmp.sock', {
  validate: 'strict',
  schema: checkedBy({ replies: [replyOfQueryBlockJobs, replyOfBlockdevAdd, replyOfBlockdevDel] }),
});
await client.execute('query-block-jobs');
await client.execute('blockdev-add', { driver: 'null-co', 'node-name': 'n' });
await client.execute('blockdev-del', { 'node-name': 'n' });
await client.close();
