import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from '../../runtime/qmp/client.js';
import { randomFrom } from '../runtime/block/random-from.js';
import { describeWithPrograms, seed } from './programs.js';
import { bundledProgram, startServerProcess } from './serve-program.js';

/** `QAPI_JOB_KILLS` is how often the server is killed in each kind of job. */
const kills = Number(process.env.QAPI_JOB_KILLS ?? 2);

const folder = mkdtempSync(join(tmpdir(), 'job-kills-'));
const at = (name: string): string => join(folder, name);
const run = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { cwd: folder, encoding: 'utf8' });

/** What begins a job, and what goes on with it once it is ready. */
const jobs: readonly (readonly [name: string, command: string, args: object, completion: string | undefined])[] = [
  ['a stream', 'block-stream', { device: 'd0' }, undefined],
  ['a stream to a base', 'block-stream', { device: 'd0', base: at('base.qcow2') }, undefined],
  ['a commit below the active image', 'block-commit', { device: 'd0', top: at('mid.qcow2') }, undefined],
  ['a commit of the active image', 'block-commit', { device: 'd0' }, 'block-job-complete'],
  ['a mirror', 'drive-mirror', { device: 'd0', target: at('out.qcow2'), sync: 'full' }, 'block-job-complete'],
  ['a backup', 'drive-backup', { device: 'd0', target: at('out.qcow2'), sync: 'full', compress: true }, undefined],
  ['a snapshot', 'blockdev-snapshot-sync', { device: 'd0', 'snapshot-file': at('out.qcow2') }, undefined],
  ['a snapshot inside the image', 'blockdev-snapshot-internal-sync', { device: 'd0', name: 's' }, undefined],
];

describeWithPrograms('a server that is killed', ['qemu-img', 'qemu-io'], () => {
  let bundle: Awaited<ReturnType<typeof bundledProgram>>;
  beforeAll(async () => {
    bundle = await bundledProgram();
  }, 60_000);
  afterAll(() => {
    bundle.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(jobs)(
    'loses nothing in %s',
    async (_, command, args, completion) => {
      const random = randomFrom(seed + command.length);
      for (let round = 0; round < kills; round++) {
        rmSync(folder, { recursive: true, force: true });
        mkdirSync(folder);
        const create = (...words: string[]): string =>
          run('qemu-img', 'create', '-q', '-f', 'qcow2', '-o', 'cluster_size=4096', ...words);
        create('base.qcow2', '24M');
        create('-F', 'qcow2', '-b', 'base.qcow2', 'mid.qcow2');
        create('-F', 'qcow2', '-b', 'mid.qcow2', 'top.qcow2');
        run('qemu-io', '-c', 'write -q -P 1 0 20M', 'base.qcow2');
        run('qemu-io', '-c', 'write -q -P 2 4M 10M', 'mid.qcow2');
        run('qemu-io', '-c', 'write -q -P 3 9M 6M', 'top.qcow2');
        const server = startServerProcess(bundle.program, [
          ...['--drive', `file=${at('top.qcow2')},if=none,id=d0`],
          ...['--qmp', `unix:${at('qmp')}`, '--nbd', `unix:${at('nbd')},device=d0,writable=on`],
        ]);
        await server.ready;
        // What a guest has flushed before is among what must not be lost.
        run('qemu-io', '-f', 'raw', '-c', 'write -q -P 9 12M 2M', '-c', 'flush', `nbd+unix:///d0?socket=${at('nbd')}`);
        const client = await connect(`unix:${at('qmp')}`);
        const device = { device: 'd0' };
        if (completion !== undefined)
          client.onUnknown('BLOCK_JOB_READY', () => void client.executeUnknown(completion, device).catch(() => {}));
        const started = client.executeUnknown(command, args as never).catch(() => {});
        await setTimeout(random() * 250);
        server.process.kill('SIGKILL');
        await once(server.process, 'exit');
        await started;
        await client.close().catch(() => {});
        // A completed mirror goes on in another file; what is there is all of the disk in either case.
        for (const image of ['top.qcow2', 'mid.qcow2', 'base.qcow2', 'out.qcow2'].filter((name) =>
          existsSync(at(name)),
        )) {
          // An image that counts as dirty is put right when it is opened for writing the next time.
          run('qemu-io', '-c', 'length', image);
          const { corruptions = 0 } = checked(image);
          expect({ image, corruptions }).toEqual({ image, corruptions: 0 });
        }
        expect(verified('top.qcow2')).toBe('');
      }
    },
    300_000,
  );
});

const patterns = [
  'read -q -P 1 0 4M',
  'read -q -P 2 4M 5M',
  'read -q -P 3 9M 3M',
  'read -q -P 9 12M 2M',
  'read -q -P 3 14M 1M',
]
  .concat(['read -q -P 1 15M 5M', 'read -q -P 0 20M 4M'])
  .flatMap((line) => ['-c', line]);

/** What `qemu-io` says of data that is not what it was. */
function verified(image: string): string {
  try {
    return run('qemu-io', '-r', ...patterns, image);
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    return `${stdout}${stderr}`;
  }
}

/** What `qemu-img check` finds; a file that is no image yet has nothing to lose. */
function checked(image: string): { readonly corruptions?: number } {
  try {
    return JSON.parse(run('qemu-img', 'check', '--output=json', image)) as { corruptions?: number };
  } catch (error) {
    const { stdout = '' } = error as { stdout?: string };
    return stdout === '' ? {} : (JSON.parse(stdout) as { corruptions?: number });
  }
}
