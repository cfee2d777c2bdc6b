import { randomFrom } from '../runtime/block/random-from.js';
import { diskSize } from './job-life-scripts.js';

/** A step of a script. `@` stands before the names of files in the folder of a side. */
export type GraphStep =
  | { readonly kind: 'command'; readonly name: string; readonly args: object; readonly job?: string }
  /** Read or write at an export. */
  | { readonly kind: 'guest'; readonly line: string }
  /** What is said of nodes, their edges, bitmaps and exports is compared. */
  | { readonly kind: 'look' };

const formats = ['qcow2', 'qed', 'vdi', 'vhdx', 'vmdk', 'parallels', 'qcow', 'vpc'] as const;

/**
 * Makes a script of changes of a graph: nodes of all filters come and go under exports, options of nodes are changed, alone and several at
 * once, images are made in nodes.
 */
export function graphScript(seed: number): GraphStep[] {
  const random = randomFrom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const one = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  const chance = (part: number): boolean => random() < part;
  const maybe = <T>(part: number, member: string, value: T): { [member: string]: T } =>
    chance(part) ? { [member]: value } : {};
  const steps: GraphStep[] = [];
  const command = (name: string, args: object): void => void steps.push({ kind: 'command', name, args });
  const images = ['base', 'mid', 'top'];
  const filters: string[] = [];
  const over: string[] = [];
  let made = 0;
  let bottomed = false;
  const image = (): string => one([...images, 'top', 'top', 'other']);
  const any = (): string =>
    one([...images, 'top', 'port', 'port', 'other', ...filters, ...filters, ...over, 'nothing']);

  const generic = () => ({
    ...maybe(0.25, 'read-only', chance(0.5)),
    ...maybe(0.2, 'cache', { direct: false, 'no-flush': chance(0.5) }),
    ...maybe(0.3, 'discard', one(['unmap', 'ignore'])),
    ...maybe(0.3, 'detect-zeroes', one(['off', 'on', 'unmap'])),
    ...maybe(0.05, 'force-share', true),
    ...maybe(0.1, 'auto-read-only', chance(0.5)),
  });
  const backings: { [name: string]: string } = { mid: 'base', top: 'mid' };
  const options = (name: string): object => {
    if (name === 'port') return { driver: 'raw', 'node-name': name, file: one(['top', 'top', any()]), ...generic() };
    const filter = filters.find((each) => each === name);
    if (filter !== undefined) {
      const driver = filter.replace(/\d+$/, '');
      if (driver === 'part')
        return { driver: 'raw', 'node-name': name, file: one(['plain', 'plain', any()]), ...part(), ...generic() };
      const group = driver === 'throttle' ? { 'throttle-group': one(['g', 'h', 'nothing']) } : {};
      const below = { [driver === 'blkdebug' ? 'image' : 'file']: one(['top', any()]) };
      return { driver, 'node-name': name, ...below, ...group, ...generic() };
    }
    if (over.includes(name)) {
      const file = { driver: 'file', filename: `@${name}` };
      return { driver: 'qcow2', 'node-name': name, file, backing: one([null, image()]), ...generic() };
    }
    const own = backings[name];
    const backing = chance(0.1)
      ? {}
      : own === undefined
        ? maybe(0.2, 'backing', null)
        : { backing: bottomed ? own : one([own, own, own, own, null, image()]) };
    const details = {
      ...maybe(0.2, 'lazy-refcounts', chance(0.5)),
      ...maybe(0.1, 'overlap-check', one(['none', 'constant', 'all'])),
      ...maybe(0.1, 'cache-size', one([1 << 20, 100])),
      ...maybe(0.1, 'pass-discard-request', chance(0.5)),
    };
    return {
      driver: chance(0.05) ? 'raw' : 'qcow2',
      'node-name': name,
      file: chance(0.9) ? `${name}-file` : one(['plain', any()]),
      ...backing,
      ...details,
      ...generic(),
    };
  };
  const fileOptions = () => ({
    ...generic(),
    ...maybe(0.2, 'drop-cache', chance(0.5)),
    ...maybe(0.2, 'aio-max-batch', one([0, 16])),
    ...maybe(0.05, 'locking', 'off'),
  });
  const reopen = (): void => {
    const count = one([1, 1, 1, 2, 2, 3]);
    // Of two elements for one node the last counts; 7.2 looks at the permissions of the first, too.
    const names = new Set(Array.from({ length: count }, () => (chance(0.3) ? 'port' : any())));
    const files = chance(0.2) ? [{ driver: 'file', 'node-name': 'top-file', filename: '@top', ...fileOptions() }] : [];
    command('blockdev-reopen', { options: [...[...names].map(options), ...files] });
    steps.push({ kind: 'look' });
  };
  const part = () => ({
    ...maybe(0.5, 'offset', one([0, 65_536, 1000])),
    ...maybe(0.5, 'size', one([65_536, 1 << 20, 100])),
  });
  /** The chain in another order, all at once: not where QEMU has frozen its links. */
  const swap = (): void => {
    if (bottomed) return;
    const order = [...images, 'other'].map((name) => [random(), name] as const).toSorted(([x], [y]) => x - y);
    const chain = order.map(([, name]) => name).slice(0, 2 + below(3));
    const swapped = chain.map((name, place) => ({
      driver: 'qcow2',
      'node-name': name,
      file: `${name}-file`,
      backing: chain[place + 1] ?? null,
      ...maybe(0.5, 'read-only', place > 0),
    }));
    if (chance(0.7)) swapped.reverse();
    command('blockdev-reopen', { options: swapped });
    steps.push({ kind: 'look' });
  };
  /** QEMU refuses an empty list. */
  const permissions = (): string[] => [
    'write-unchanged',
    ...['consistent-read', 'write', 'resize'].filter(() => chance(0.3)),
  ];
  const add = (): void => {
    const driver = one([
      'throttle',
      'copy-on-read',
      'compress',
      'copy-before-write',
      'snapshot-access',
      'preallocate',
      'raw',
      'part',
      'part',
      'blkdebug',
      'blkverify',
      'quorum',
      'quorum',
    ]);
    const name = `${driver}${made++}`;
    const more: { readonly [driver: string]: () => object } = {
      throttle: () => ({ 'throttle-group': one(['g', 'g', 'h', 'nothing']) }),
      'copy-on-read': () => {
        // A second one on the same chain is refused by 7.2, which freezes the links down to the bottom.
        const bottom = maybe(0.3, 'bottom', bottomed ? 'nothing' : one(['mid', 'base', 'nothing']));
        bottomed ||= 'bottom' in bottom;
        return bottom;
      },
      'copy-before-write': () => ({
        target: one(['other', 'other', 'plain', 'nothing']),
        ...maybe(0.3, 'bitmap', { node: 'top', name: one(['a', 'b']) }),
        ...maybe(0.2, 'on-cbw-error', one(['break-guest-write', 'break-snapshot'])),
      }),
      preallocate: () => maybe(0.3, 'prealloc-align', one([512, 100])),
      part: () => ({ driver: 'raw', ...part() }),
      blkdebug: () => ({
        ...maybe(0.3, 'take-child-perms', permissions()),
        ...maybe(0.3, 'unshare-child-perms', permissions()),
      }),
      // What differs would end both programs: nothing else writes to these.
      blkverify: () => ({ raw: 'twin1', test: 'twin2' }),
      quorum: () => ({
        // With the same child twice, QEMU crashes.
        children: [...new Set(['plain', 'copy', any()].filter(() => chance(0.7)))],
        ...maybe(0.2, 'rewrite-corrupted', true),
        'vote-threshold': one([1, 1, 2]),
      }),
    };
    const file = driver === 'preallocate' || driver === 'part' ? 'plain' : chance(0.5) ? 'top' : any();
    const below1 = { blkverify: {}, quorum: {}, blkdebug: { image: file } }[driver as string] ?? { file };
    command('blockdev-add', { driver, 'node-name': name, ...below1, ...more[driver]?.(), ...generic() });
    filters.push(name);
    // Where it has come to be, guests go through it.
    if (chance(0.6) && driver !== 'snapshot-access')
      command('blockdev-reopen', { options: [{ driver: 'raw', 'node-name': 'port', file: name }] });
    steps.push({ kind: 'look' });
  };
  const remove = (): void => {
    if (chance(0.5)) command('blockdev-reopen', { options: [{ driver: 'raw', 'node-name': 'port', file: 'top' }] });
    command('blockdev-del', { 'node-name': any() });
    steps.push({ kind: 'look' });
  };
  const guest = (): void => {
    const what = one(['write -P 17', 'write -z', 'write -zu', 'discard', 'read']);
    steps.push({ kind: 'guest', line: `${what} ${below(diskSize / 512 - 140) * 512} ${(1 + below(130)) * 512}` });
  };
  const member = (): void => {
    const quorums = filters.filter((name) => name.startsWith('quorum'));
    if (quorums.length === 0) return;
    const change = chance(0.6) ? { node: one(['plain', 'copy', any()]) } : { child: `children.${below(4)}` };
    command('x-blockdev-change', { parent: one(quorums), ...change });
    steps.push({ kind: 'look' });
  };
  const group = (): void => {
    const id = one(['g', 'h']);
    const change = one(['object-del', 'object-add', 'qom-set', 'qom-set']);
    if (change === 'object-del') command(change, { id });
    else if (change === 'object-add') command(change, { 'qom-type': 'throttle-group', id });
    else {
      const limits = { 'iops-total': one([0, 1_000_000]), ...maybe(0.3, 'iops-read', 1_000_000) };
      command(change, { path: `/objects/${id}`, property: 'limits', value: limits });
    }
  };
  const resize = (): void => {
    command('block_resize', { 'node-name': any(), size: one([diskSize, diskSize + (1 << 20), diskSize / 2, 1000]) });
    steps.push({ kind: 'look' });
  };
  /** A new image over a node: what used that uses the new one. */
  const snapshot = (): void => {
    const id = `s${made++}`;
    const file = { driver: 'file', filename: `@${id}` };
    const options = { driver: 'qcow2', file, size: diskSize };
    for (const [job, created] of [
      [`${id}f`, { ...file, size: 0 }],
      [id, options],
    ] as const) {
      const args = { 'job-id': job, options: created };
      steps.push({ kind: 'command', name: 'blockdev-create', args, job });
    }
    command('blockdev-add', { driver: 'qcow2', 'node-name': id, file, backing: null, ...generic() });
    command('blockdev-snapshot', { node: any(), overlay: id });
    over.push(id);
    steps.push({ kind: 'look' });
  };
  const merge = (): void => {
    const node = any();
    const from = [one(['a', 'b']), ...(chance(0.3) ? [{ node: any(), name: one(['a', 'b']) }] : [])];
    const data = { node, target: one(['a', 'b']), bitmaps: from };
    if (chance(0.5)) {
      command('block-dirty-bitmap-merge', data);
      return;
    }
    const actions = [
      { type: 'block-dirty-bitmap-add', data: { node, name: one(['a', 'b']), ...maybe(0.3, 'persistent', true) } },
      { type: 'block-dirty-bitmap-merge', data },
      { type: one(['block-dirty-bitmap-clear', 'block-dirty-bitmap-disable']), data: { node: any(), name: 'a' } },
    ];
    command('transaction', { actions: actions.slice(below(2)) });
  };
  const exporting = (): void => {
    const id = one(['x', 'y']);
    if (chance(0.6))
      command('block-export-add', {
        type: 'nbd',
        id,
        'node-name': any(),
        name: id,
        writable: chance(0.4),
        ...maybe(0.2, 'bitmaps', [one(['a', 'b'])]),
      });
    else command('block-export-del', { id, ...maybe(0.3, 'mode', 'hard') });
  };
  const bitmap = (): void => {
    const verb = one(['add', 'add', 'remove', 'clear', 'enable', 'disable']);
    command(`block-dirty-bitmap-${verb}`, {
      node: any(),
      name: one(['a', 'b']),
      ...(verb === 'add' ? maybe(0.4, 'persistent', true) : {}),
    });
  };
  const create = (): void => {
    const id = `c${made++}`;
    const driver = one(formats);
    // A part of a sector is cut off by 7.2 where it does not refuse it, and filled up by ours.
    const part = ['qcow2', 'qed', 'vmdk', 'parallels'].includes(driver) ? 1000 : 1024;
    const size = one([diskSize, 1 << 20, 512, part]);
    const own: { readonly [driver: string]: () => object } = {
      qcow2: () => ({
        ...maybe(0.3, 'cluster-size', one([512, 4096, 1000])),
        ...maybe(0.2, 'version', one(['v2', 'v3'])),
        ...maybe(0.2, 'lazy-refcounts', true),
        ...maybe(0.2, 'refcount-bits', one([1, 16, 12])),
        ...maybe(0.2, 'extended-l2', true),
        ...maybe(0.2, 'preallocation', one(['metadata', 'falloc', 'full'])),
        ...maybe(0.2, 'backing-fmt', 'qcow2'),
        ...maybe(0.2, 'backing-file', '@base'),
      }),
      qed: () => maybe(0.3, 'cluster-size', one([4096, 65_536, 1000])),
      parallels: () => maybe(0.3, 'cluster-size', one([1 << 20, 1000])),
      vhdx: () => ({
        ...maybe(0.3, 'block-size', one([1 << 20, 1000])),
        ...maybe(0.2, 'log-size', one([1 << 20, 1000])),
      }),
      vdi: () => maybe(0.3, 'preallocation', one(['metadata', 'full'])),
      vpc: () => ({ ...maybe(0.5, 'subformat', one(['fixed', 'dynamic'])), ...maybe(0.5, 'force-size', true) }),
    };
    const file = { driver: 'file', filename: `@${id}` };
    const into = chance(0.15) ? any() : file;
    if (into === file)
      steps.push({
        kind: 'command',
        name: 'blockdev-create',
        args: { 'job-id': `${id}f`, options: { ...file, size: 0 } },
        job: `${id}f`,
      });
    const job = { 'job-id': id, options: { driver, file: into, size, ...own[driver]?.() } };
    steps.push({ kind: 'command', name: 'blockdev-create', args: job, job: id });
    if (into !== file) return;
    command('blockdev-add', { driver, 'node-name': id, file, ...(driver === 'qcow2' ? { backing: null } : {}) });
    steps.push({ kind: 'look' });
    command('blockdev-del', { 'node-name': id });
  };

  const often = [reopen, reopen, reopen, reopen, add, add, add, add, remove, exporting, guest, guest];
  const episodes = [...often, bitmap, create, swap, member, group, resize, snapshot, merge];
  for (let count = 10 + below(15); count > 0; count--) one(episodes)();
  steps.push({ kind: 'look' });
  return steps;
}
