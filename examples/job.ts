/**
 * Formats a file as a qcow2 image: a job of QEMU's storage daemon, which is started here and ends with the program.
 *
 *     node build/job.js disk.qcow2
 *
 * Jobs need QEMU 3.0 or newer; `generated-daemon` has the types of the storage daemon that is installed here:
 *
 *     qemu-storage-daemon --chardev socket,id=m,path=qmp.sock,server=on,wait=off --monitor chardev=m &
 *     npx qapi-ts generate --from qmp.sock -o generated-daemon
 */
import { writeFile } from 'node:fs/promises';
import { JobError, runJob, spawnStorageDaemon } from 'qapi-ts/runtime';
import type { Commands, Events } from './generated-daemon/index.js';

const [filename = 'disk.qcow2'] = process.argv.slice(2);
await writeFile(filename, '', { flag: 'wx' });

await using daemon = await spawnStorageDaemon<{ commands: Commands; events: Events }>();
const { client } = daemon;
await client.execute('blockdev-add', { driver: 'file', 'node-name': 'storage', filename });

// Ctrl-C cancels the job; the daemon ends in any case.
const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());
try {
  const options = { driver: 'qcow2', file: 'storage', size: 2 ** 30, preallocation: 'metadata' } as const;
  await runJob(
    client,
    'blockdev-create',
    { 'job-id': 'format', options },
    {
      signal: interrupted.signal,
      progressInterval: 50,
      onProgress: ({ current, total, status }) => console.log(`${status}: ${current} of ${total}`),
    },
  );
  console.log(`${filename} is ready`);
} catch (error) {
  if (!(error instanceof JobError)) throw error;
  console.error(`${filename}: ${error.message}`);
  process.exitCode = 1;
}
