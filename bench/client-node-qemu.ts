/** For `bundle.ts`: the same with another library. */
import { QMPClient } from 'node-qemu';

const client = new QMPClient({ socketPath: '/run/qmp.sock' });
await client.connect();
await client.execute('query-block-jobs');
await client.execute('blockdev-add', { options: { driver: 'null-co', 'node-name': 'n' } });
await client.execute('x-blockdev-del', { 'node-name': 'n' });
await client.close();
