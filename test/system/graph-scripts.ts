import { randomFrom } from '../runtime/block/random-from.js';
import { diskSize } from './job-life-scripts.js';

/** A step of a script. `@` stands before the names of files in the folder of a side. */
export type GraphStep =
  | { readonly kind: 'command'; readonly name: string; readonly args: object; readonly job?: string }
  /** Read or write at an export. */
  | { readonly kind: 'guest'; readonly line: string }
  /** What is said of nodes, their edges, bitmaps and exports is compared. */
  | { readonly kind: 'look' };

const formats = ['qcow2', 'qed', 'vdi', 'vhdx', 'vmdk', 'parallels', 'qcow'] as const;

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
  let made = 0;
  let bottomed = false;
  const image = (): string => one([...images, 'top', 'top', 'other']);
  const any = (): string => one([...images, 'top', 'port', 'port', 'other', ...filters, ...filters, 'nothing']);

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
    if (name === 'port' || name === 'part') {
      const place =
        name === 'part'
          ? { ...maybe(0.4, 'offset', one([0, 65_536, 1000])), ...maybe(0.4, 'size', one([65_536, 1 << 20, 100])) }
          : {};
      return {
        driver: 'raw',
        'node-name': name,
        file: name === 'part' ? 'plain' : one(['top', 'top', any()]),
        ...place,
        ...generic(),
      };
    }
    const filter = filters.find((each) => each === name);
    if (filter !== undefined) {
      const driver = filter.replace(/\d+$/, '');
      const group = driver === 'throttle' ? { 'throttle-group': one(['g', 'h', 'nothing']) } : {};
      return { driver, 'node-name': name, file: one(['top', any()]), ...group, ...generic() };
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
  const reopen = (): void => {
    const count = one([1, 1, 1, 2, 2, 3]);
    // Of two elements for one node the last counts; 7.2 looks at the permissions of the first, too.
    const names = new Set(Array.from({ length: count }, () => (chance(0.3) ? 'port' : any())));
    const files = chance(0.2) ? [{ driver: 'file', 'node-name': 'top-file', filename: '@top', ...generic() }] : [];
    command('blockdev-reopen', { options: [...[...names].map(options), ...files] });
    steps.push({ kind: 'look' });
  };
  const add = (): void => {
    const driver = one([
      'throttle',
      'copy-on-read',
      'compress',
      'copy-before-write',
      'snapshot-access',
      'preallocate',
      'raw',
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
    };
    const file = driver === 'preallocate' ? 'plain' : chance(0.5) ? 'top' : any();
    command('blockdev-add', { driver, 'node-name': name, file, ...more[driver]?.(), ...generic() });
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

  const episodes = [reopen, reopen, reopen, reopen, add, add, add, remove, exporting, bitmap, create, guest, guest];
  for (let count = 10 + below(15); count > 0; count--) one(episodes)();
  steps.push({ kind: 'look' });
  return steps;
}
