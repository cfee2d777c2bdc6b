import { randomFrom } from '../runtime/block/random-from.js';
import type { Rest } from './job-life.js';
import { diskSize } from './job-life-scripts.js';

/** A step of a script. `@` stands before the names of files in the folder of a side. */
export type DriveStep =
  | {
      readonly kind: 'command';
      readonly name: string;
      readonly args: object;
      /** Where jobs rest when it was not refused. */
      readonly rests?: { readonly [id: string]: Rest };
    }
  /** A line of the human monitor. That it has printed something is compared, for most lines say only what is wrong. */
  | { readonly kind: 'line'; readonly line: string; readonly rests?: { readonly [id: string]: Rest } }
  /** What is said of drives, nodes, bitmaps and jobs is compared. */
  | { readonly kind: 'look' };

/** A script, and the images that it may leave. */
export interface DriveScript {
  readonly steps: readonly DriveStep[];
  /** An image whose header names no backing file has become an overlay: how its name is written differs. */
  readonly renames: boolean;
  readonly files: readonly string[];
}

/** Images that are there from the start, beside the chain of three: each of the length of the disk, and empty. */
export const spareImages = 6;

/**
 * Makes a script of what only the emulator's drives have: jobs that make their target themselves, snapshots by device, also inside of
 * images, ids of jobs that are those of drives, media that are changed, and lines of the human monitor.
 */
export function driveScript(seed: number): DriveScript {
  const random = randomFrom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const one = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  const chance = (part: number): boolean => random() < part;
  const steps: DriveStep[] = [];
  const files = ['base', 'mid', 'top', 'plain', ...Array.from({ length: spareImages }, (_, index) => `e${index}`)];
  let chain = ['base', 'mid', 'top'];
  let active = 'top';
  let made = 0;
  let spare = 0;
  let renames = false;

  const command = (name: string, args: object, rests?: { [id: string]: Rest }): void => {
    steps.push({ kind: 'command', name, args, ...(rests === undefined ? {} : { rests }) });
  };
  const line = (text: string, rests?: { [id: string]: Rest }): void => {
    steps.push({ kind: 'line', line: text, ...(rests === undefined ? {} : { rests }) });
  };
  const look = (): void => void steps.push({ kind: 'look' });
  const write = (device = 'd0'): void => {
    const what = one(['write -P 17', 'write -P 34', 'write -z', 'write -P 255', 'write -z -u', 'discard', 'read']);
    const [offset, length] = [below(diskSize / 512 - 140) * 512, (1 + below(130)) * 512];
    line(`qemu-io ${device} "${what} ${offset} ${length}"`);
  };
  const maybe = <T>(part: number, member: string, value: T): { [member: string]: T } =>
    chance(part) ? { [member]: value } : {};
  const newFile = (kind: string): string => {
    const name = `${kind}${made++}`;
    files.push(name);
    return name;
  };
  /** A file for a job to write to, and how that is to be taken. */
  const target = (): { readonly file: string; readonly args: object; readonly exists: boolean } => {
    const exists = chance(0.3) && spare < spareImages;
    const file = exists ? `e${spare++}` : newFile('t');
    const format = exists ? one(['qcow2', undefined]) : one(['qcow2', 'qcow2', undefined, 'raw', 'qed']);
    const mode = exists ? 'existing' : one(['absolute-paths', undefined]);
    const args = { ...(format === undefined ? {} : { format }), ...(mode === undefined ? {} : { mode }) };
    return { file, args: { target: `@${file}`, ...args }, exists };
  };

  const mirror = (): void => {
    const id = chance(0.5) ? `m${made}` : 'd0';
    const { file, args, exists } = target();
    // An image that exists has no backing file here: beside what is copied of the uppermost layer, it has no promised contents.
    const sync = exists ? one(['full', 'none']) : one(['full', 'full', 'top', 'none']);
    const keeps = sync === 'none' || chance(0.4);
    const node = maybe(0.4, 'node-name', `n${made}`);
    const granularity = maybe(0.3, 'granularity', one([4096, 65_536, 100]));
    const mode = maybe(0.3, 'copy-mode', 'write-blocking');
    // What is copied at once while the target is without its backing file leaves zeroes in the rest of a cluster, in 7.2 and 11.1.
    const more = { ...granularity, ...(sync === 'top' ? {} : mode) };
    const named = id === 'd0' ? {} : { 'job-id': id };
    command('drive-mirror', { device: 'd0', ...named, sync, ...args, ...node, ...more }, { [id]: 'ready' });
    if (chance(0.5)) write();
    if (chance(0.3)) look();
    if (chance(0.2)) command('blockdev-snapshot-internal-sync', { device: 'd0', name: 'busy' });
    if (keeps) command('block-job-cancel', { device: id }, { [id]: 'gone' });
    else {
      if (chance(0.5)) command('job-complete', { id }, { [id]: 'gone' });
      else command('block-job-complete', { device: id }, { [id]: 'gone' });
      chain = sync === 'top' ? [...chain.slice(0, -1), file] : [file];
      active = String(node['node-name'] ?? 'd0');
    }
  };
  const backup = (): void => {
    const id = chance(0.5) ? `b${made}` : 'd0';
    const { args } = target();
    const sync = one(['full', 'top', 'none', 'incremental']);
    const bits = sync === 'incremental' || chance(0.1) ? { bitmap: one(['a', 'b']) } : {};
    if (sync === 'incremental') command('block-dirty-bitmap-add', { node: 'd0', name: one(['a', 'b']) });
    const named = id === 'd0' ? {} : { 'job-id': id };
    const job = { device: 'd0', ...named, sync, ...args, ...bits, ...maybe(0.2, 'compress', true) };
    command('drive-backup', job, { [id]: sync === 'none' ? 'running' : 'gone' });
    if (sync === 'none') {
      write();
      command('block-job-cancel', { device: id }, { [id]: 'gone' });
    }
  };
  const snapshot = (): void => {
    const exists = chance(0.2) && spare < spareImages;
    const file = exists ? `e${spare++}` : newFile('s');
    const format = maybe(0.5, 'format', one(['qcow2', 'qcow2', 'qed', 'nothing']));
    const name = one([undefined, undefined, `n${made}`, 'top', 'd0']);
    const args = { device: one(['d0', 'd0', 'd0', 'nothing']), 'snapshot-file': `@${file}`, ...format };
    const mode = exists ? { mode: 'existing' } : maybe(0.3, 'mode', 'absolute-paths');
    command('blockdev-snapshot-sync', {
      ...args,
      ...mode,
      ...(name === undefined ? {} : { 'snapshot-node-name': name }),
    });
    renames ||= exists;
    if (args.device === 'd0' && format.format !== 'nothing' && name !== 'top' && name !== 'd0') {
      chain.push(file);
      active = name ?? 'd0';
    }
  };
  const internal = (): void => {
    for (let count = 1 + below(4); count > 0; count--) {
      const name = one(['a', 'b', 'c', '1', '']);
      const device = one(['d0', 'd0', 'd0', 'd1', 'nothing']);
      if (chance(0.6)) command('blockdev-snapshot-internal-sync', { device, name });
      else
        command('blockdev-snapshot-delete-internal-sync', {
          device,
          ...maybe(0.7, 'name', name),
          ...maybe(0.3, 'id', one(['1', '2', '7'])),
        });
      if (chance(0.5)) write();
    }
    look();
  };
  const shorten = (): void => {
    if (chance(0.5)) {
      const base = maybe(0.6, 'base', `@${one([...chain, 'nothing'])}`);
      command(
        'block-stream',
        { device: 'd0', ...base, ...maybe(0.3, 'job-id', 'short') },
        { d0: 'gone', short: 'gone' },
      );
    } else {
      const range = {
        ...maybe(0.6, 'top', `@${one([...chain, 'nothing'])}`),
        ...maybe(0.6, 'base', `@${one([...chain, 'nothing'])}`),
      };
      command('block-commit', { device: 'd0', ...range }, { d0: 'ready' });
      command('block-job-complete', { device: 'd0' }, { d0: 'gone' });
      command('job-cancel', { id: 'd0' }, { d0: 'gone' });
    }
    look();
  };
  const medium = (): void => {
    for (let count = 2 + below(4); count > 0; count--) {
      const force = maybe(0.3, 'force', true);
      const [name, args] = one<readonly [string, object]>([
        ['eject', { device: 'd1', ...force }],
        ['blockdev-remove-medium', { device: 'd1' }],
        ['blockdev-open-tray', { device: 'd1', ...force }],
        ['blockdev-close-tray', { device: 'd1' }],
        ['blockdev-insert-medium', { device: 'd1', 'node-name': one(['plain', 'top', 'nothing', 'medium']) }],
        ['blockdev-add', { driver: 'qcow2', 'node-name': 'medium', file: { driver: 'file', filename: '@plain' } }],
        ['blockdev-del', { 'node-name': 'medium' }],
        [
          'blockdev-change-medium',
          {
            device: one(['d1', 'nothing']),
            filename: one(['@plain', '@nothing']),
            ...maybe(0.6, 'format', one(['qcow2', 'raw', 'nothing'])),
            // The emulator's drives take the permission to write, also for guests that are not there, and then refuse what is read-only.
            ...maybe(0.4, 'read-only-mode', one(['retain', 'read-write'])),
          },
        ],
      ]);
      command(name, args);
      if (chance(0.3)) write('d1');
      if (chance(0.3)) look();
    }
  };
  const settings = (): void => {
    const limits = {
      bps: one([0, 1e9]),
      bps_rd: one([0, 0, 1e9]),
      bps_wr: 0,
      iops: one([0, 1e6]),
      iops_rd: 0,
      iops_wr: 0,
    };
    const device = one(['d0', 'd1', 'nothing']);
    const extra = { ...maybe(0.3, 'bps_max', one([0, 2e9, 5])), ...maybe(0.3, 'iops_size', one([0, 4096])) };
    command('block_set_io_throttle', { device, ...limits, ...extra, ...maybe(0.2, 'group', 'g') });
    command('block_set_io_throttle', { device, bps: 0, bps_rd: 0, bps_wr: 0, iops: 0, iops_rd: 0, iops_wr: 0 });
    command('block_resize', { device: one(['d1', 'nothing']), size: one([diskSize, diskSize + 65_536, 1000, -1]) });
    command('block-set-write-threshold', {
      'node-name': one(['top', active, 'nothing']),
      'write-threshold': one([0, 1e6]),
    });
    look();
  };
  const bitmaps = (): void => {
    for (let count = 1 + below(4); count > 0; count--) {
      const verb = one(['add', 'add', 'clear', 'remove', 'disable', 'enable']);
      command(`block-dirty-bitmap-${verb}`, { node: one(['d0', 'd0', active, 'd1']), name: one(['a', 'b']) });
      if (chance(0.4)) write();
    }
    look();
  };
  const grouped = (): void => {
    const file = newFile('s');
    const { args } = target();
    const actions = [
      { type: 'blockdev-snapshot-sync', data: { device: 'd0', 'snapshot-file': `@${file}` } },
      { type: 'drive-backup', data: { device: 'd0', 'job-id': 'g', sync: 'full', ...args } },
      { type: 'block-dirty-bitmap-add', data: { node: 'd0', name: one(['a', 'b']) } },
      { type: 'block-dirty-bitmap-clear', data: { node: 'd0', name: one(['a', 'b']) } },
      { type: 'blockdev-snapshot-internal-sync', data: { device: one(['d0', 'd1']), name: one(['a', 'z']) } },
      { type: 'abort', data: {} },
    ].filter(() => chance(0.4));
    const overlays = actions.some(({ type }) => type === 'blockdev-snapshot-sync');
    // Behind a snapshot, an action of 7.2 finds the overlay at the device; as in 2016, it finds the image that is there before.
    const same = actions.filter(({ type }) => !overlays || !type.startsWith('block-dirty'));
    command('transaction', { actions: same }, { g: 'gone' });
    if (overlays) active = 'd0';
    look();
  };
  const lines = (): void => {
    const id = { d0: 'gone' } as const;
    for (let count = 1 + below(3); count > 0; count--) {
      const [text, rests] = one<readonly [() => string, { [id: string]: Rest }?]>([
        [() => `snapshot_blkdev d0 @${newFile('s')} qcow2`],
        [() => `snapshot_blkdev_internal ${one(['d0', 'nothing'])} ${one(['a', 'b', 'h'])}`],
        [() => `snapshot_delete_blkdev_internal d0 ${one(['a', 'b', 'h'])}`],
        [() => `drive_backup ${one(['', '-f', '-c'])} d0 @${newFile('t')} ${one(['qcow2', 'raw', ''])}`, id],
        [() => 'block_stream d0', id],
        [() => `block_resize d1 ${one(['4M', '5', '4194304B'])}`],
        [() => `block_job_cancel ${one(['d0', 'nothing'])}`],
        [() => `block_job_set_speed ${one(['d0', 'nothing'])} ${one(['1000', '1M', 'x'])}`],
        [() => `eject ${one(['', '-f'])} d1`],
        [() => 'drive_add 0 if=none,id=d1,node-name=plain,format=qcow2,file=@plain'],
        [() => `drive_del ${one(['d1', 'nothing'])}`],
        [() => `commit ${one(['d0', 'nothing'])}`],
        [() => `qemu-io ${one(['d0', 'nothing'])} "read ${one([0, diskSize])} 512"`],
        [() => 'block_set_io_throttle d1 0 0 0 0 0 0'],
      ]);
      line(text(), rests);
      if (chance(0.4)) look();
    }
  };

  const episodes = [mirror, mirror, backup, backup, snapshot, snapshot, internal, shorten, medium, medium, settings];
  const all = [...episodes, bitmaps, grouped, lines, lines];
  for (let count = 4 + below(4); count > 0; count--) {
    write();
    one(all)();
    look();
  }
  return { steps, renames, files };
}
