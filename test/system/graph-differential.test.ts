import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isQmpFailure } from '../../runtime/qmp/error.js';
import { type GraphStep, graphScript } from './graph-scripts.js';
import { diskSize } from './job-life-scripts.js';
import { expectSameImage, type Played, playedTwice } from './played-twice.js';
import { describeWithPrograms } from './programs.js';
import { type Data, picked, run, sorted } from './script-compare.js';
import { real, type Side, scriptSeeds } from './script-sides.js';

/*
 * The same random script of changes of a graph (options of nodes in use, alone and several at once; filters that come and go under an
 * export; new images in nodes) against the block layer and the storage daemon of release 7.2. Compared are success, what the queries say of
 * nodes and edges after each change, and at the end the contents of all images.
 */

const masked = (side: Side, value: unknown): string =>
  JSON.stringify(sorted(value))
    .replaceAll(side.folder, '@')
    .replaceAll(/#block\d+/g, '#block');

/** Files without a format. */
const plains = ['plain', 'copy', 'twin1', 'twin2'];

/** The drivers whose disks are as long as QEMU's are, whatever happens below. */
const lengthsOf = new Set(['qcow2', 'raw', 'qed', 'vdi', 'vhdx', 'vmdk', 'parallels', 'qcow', 'vpc']);

async function look(side: Side): Promise<string[]> {
  const list = async (name: string): Promise<Data[]> => (await side.execute(name, {})) as Data[];
  const nodes = (await list('query-named-block-nodes')).map((node) =>
    masked(side, {
      ...picked(node, 'node-name', 'drv', 'ro', 'cache', 'detect_zeroes', 'backing_file_depth'),
      // How long the files of formats are is not compared, except for the disks in them, nor what a filter has: QEMU goes on with
      // the length that the node below had before another one came there.
      ...(lengthsOf.has(String(node.drv)) ? picked(node.image as Data, 'virtual-size') : {}),
      bitmaps: ((node['dirty-bitmaps'] ?? []) as Data[])
        .filter(({ name }) => name !== undefined)
        .map((bitmap) => JSON.stringify(picked(bitmap, 'name', 'count', 'recording', 'busy', 'persistent')))
        .toSorted(),
    }),
  );
  const graph = (await side.execute('x-debug-query-block-graph', {})) as {
    readonly nodes: readonly { readonly id: number; readonly name: string }[];
    readonly edges: readonly Data[];
  };
  const names = new Map(graph.nodes.map(({ id, name }) => [id, name.startsWith('#') ? '#block' : name]));
  const edges = graph.edges.map(({ parent, child, name, perm, 'shared-perm': shared }) => {
    const sets = [perm, shared].map((set) => (set as string[]).toSorted().join());
    return `${names.get(parent as number)} -${name}-> ${names.get(child as number)}: ${sets.join(' / ')}`;
  });
  const exports = (await list('query-block-exports')).map((found) => masked(side, found));
  return [...nodes, ...edges, ...exports].toSorted().map((line) => `  ${line}`);
}

async function play(side: Side, steps: readonly GraphStep[]): Promise<Played> {
  const seen: string[] = [];
  const execute = (name: string, args: object): Promise<unknown> =>
    side.execute(name, JSON.parse(JSON.stringify(args).replaceAll('"@', `"${side.folder}/`)));
  const image = (name: string, backing?: string | null) => [
    { driver: 'file', 'node-name': `${name}-file`, filename: `@${name}` },
    { driver: 'qcow2', 'node-name': name, file: `${name}-file`, ...(backing === undefined ? {} : { backing }) },
  ];
  for (const id of ['g', 'h']) await execute('object-add', { 'qom-type': 'throttle-group', id });
  const plain = plains.map((name) => ({ driver: 'file', 'node-name': name, filename: `@${name}` }));
  const port = { driver: 'raw', 'node-name': 'port', file: 'top' };
  const nodes = [...image('base'), ...image('mid', 'base'), ...image('top', 'mid'), ...image('other'), ...plain, port];
  for (const node of nodes) await execute('blockdev-add', node);
  await execute('nbd-server-start', { addr: { type: 'unix', data: { path: join(side.folder, 'nbd') } } });
  const guest = { type: 'nbd', id: 'guest', 'node-name': 'port', name: 'top', writable: true };
  await execute('block-export-add', guest);
  const ended = async (id: string): Promise<string> => {
    for (let wait = 1, waited = 0; waited < 10_000; wait = Math.min(2 * wait, 20), waited += wait) {
      const job = ((await side.execute('query-jobs', {})) as Data[]).find((each) => each.id === id);
      if (job?.status === 'concluded') {
        await side.execute('job-dismiss', { id });
        return job.error === undefined ? 'made' : 'failed';
      }
      await new Promise((go) => setTimeout(go, wait));
    }
    return 'LATE';
  };
  const playStep = async (step: GraphStep): Promise<void> => {
    if (step.kind === 'look') seen.push(...(await look(side)));
    else if (step.kind === 'guest') {
      const { stdout } = await run('qemu-io', ['-f', 'raw', '-c', step.line, side.nbd]).catch(
        (error: { stdout: string }) => error,
      );
      seen.push(`${step.line}: ${stdout.split('\n')[0]}`);
    } else {
      const { name, args, job } = step;
      const answer = await execute(name, args).then(
        () => 'done',
        (error: unknown) => {
          if (!isQmpFailure(error)) throw error;
          return 'refused';
        },
      );
      const end = job !== undefined && answer === 'done' ? await ended(job) : '';
      seen.push(`${name} ${masked(side, args)}: ${answer} ${end}`);
    }
  };
  try {
    for (const step of steps) await playStep(step);
  } catch (error) {
    // Where QEMU finds an image corrupt, its queries fail: that is its end, too.
    if (!isQmpFailure(error) && !(await side.died())) throw error;
    return { seen, died: true };
  }
  return { seen, died: false };
}

/** QEMU stores nothing compressed where an image has data of its own already; the block layer does. The images differ from there on. */
function refusedCompression(here: readonly string[], there: readonly string[]): number {
  return here.findIndex(
    (line, at) => /: wrote /.test(line) && there[at]?.endsWith(': write failed: Input/output error'),
  );
}

const madeInNode = ({ options }: { readonly options?: { readonly file?: unknown } }): boolean =>
  typeof options?.file === 'string';

describeWithPrograms('scripts of graphs', ['qemu-img', 'qemu-io', 'qemu-storage-daemon'], () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'graphs-'));
    const first = join(folder, 'first');
    execFileSync('mkdir', [first]);
    for (const [name, backing, line] of [
      ['base', undefined, 'write -P 1 0 4M'],
      ['mid', 'base', 'write -P 2 1M 2M'],
      ['top', 'mid', 'write -P 3 1500k 900k'],
      ['other', undefined, 'write -P 4 0 64k'],
    ] as const) {
      const over = backing === undefined ? [] : ['-F', 'qcow2', '-b', backing];
      execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', ...over, name, String(diskSize)], { cwd: first });
      execFileSync('qemu-io', ['-c', line, name], { cwd: first });
    }
    for (const name of plains)
      execFileSync('qemu-img', ['create', '-q', '-f', 'raw', name, String(diskSize)], { cwd: first });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(scriptSeeds(1, 3))(
    'change as with the real storage daemon (seed %i)',
    async (seed) => {
      const steps = graphScript(seed);
      const { here, there, died, at } = await playedTwice(folder, seed, {
        start: real,
        makeImages: (place) => cpSync(join(folder, 'first'), place, { recursive: true }),
        play: (side) => play(side, steps),
      });
      const compresses = here.some((line) => line.includes('"driver":"compress"'));
      const refused = compresses ? refusedCompression(here, there) : -1;
      if (refused >= 0) {
        expect(here.slice(0, refused)).toEqual(there.slice(0, refused));
        return;
      }
      expect(here).toEqual(there);
      // An image that was made in a node has a place and an identity of its own.
      const contents = !steps.some((step) => step.kind === 'command' && madeInNode(step.args));
      for (const name of died ? [] : ['base', 'mid', 'top', 'other', ...plains])
        await expectSameImage(name, at, { contents });
    },
    300_000,
  );
});
