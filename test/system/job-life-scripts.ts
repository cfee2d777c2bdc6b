import { randomFrom } from '../runtime/block/random-from.js';
import { JobLife, type Rest, type Verb, verbs } from './job-life.js';

/** The length of every disk. */
export const diskSize = 4 << 20;

/** A step of a script. `@` stands before the names of files in the folder of a side. */
export type ScriptStep =
  | { readonly kind: 'write'; readonly line: string }
  | {
      readonly kind: 'command';
      readonly name: string;
      readonly args: object;
      /** Where jobs rest when it was not refused. */
      readonly rests?: { readonly [id: string]: Rest };
    }
  /** What is said of nodes and their bitmaps, exports and jobs is compared. */
  | { readonly kind: 'look' };

/** A script, and the files that it leaves with contents that are a matter of time. */
export interface Script {
  readonly steps: readonly ScriptStep[];
  /** The driver over the chain, which the guest writes through. */
  readonly filter: 'throttle' | 'copy-on-read' | undefined;
  readonly files: readonly string[];
  readonly cut: ReadonlySet<string>;
}

/**
 * Makes a script of lives of jobs, bitmaps, transactions, exports and new images on a chain of three images under a filter, which a
 * guest writes to meanwhile.
 */
export function lifeScript(seed: number): Script {
  const random = randomFrom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const one = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  const chance = (part: number): boolean => random() < part;
  const steps: ScriptStep[] = [];
  const files = ['base', 'mid', 'top'];
  const cut = new Set<string>();
  let chain = ['base', 'mid', 'top'];
  let made = 0;
  const filter = one(['throttle', 'copy-on-read', undefined] as const);
  /** What the guest writes through. */
  let root = filter === undefined ? 'top' : 'filter';

  const command = (name: string, args: object, rests?: { [id: string]: Rest }): void => {
    steps.push({ kind: 'command', name, args, ...(rests === undefined ? {} : { rests }) });
  };
  const write = (during?: 'job'): void => {
    const what = one(['write -P 17', 'write -P 34', 'write -z', 'write -P 255', 'write -zu', 'discard', 'read']);
    // What is read through copy-on-read is no change of the disk. The real one marks it in bitmaps while its filter for a job is between.
    if (what === 'read' && during === 'job' && filter === 'copy-on-read') return;
    steps.push({ kind: 'write', line: `${what} ${below(diskSize - 70_000)} ${1 + below(70_000)}` });
  };
  const active = (): string => chain.at(-1) as string;
  const bitmap = (): string => one(['a', 'b', 'p']);
  const node = (): string => (chance(0.8) ? active() : one(['base', 'mid', 'nothing']));

  /** A new image, made by a job, and opened. */
  const target = (): string => {
    const name = `t${made++}`;
    files.push(name);
    const file = { driver: 'file', filename: `@${name}` };
    const create = (id: string, options: object): void => {
      command('blockdev-create', { 'job-id': id, options }, { [id]: 'concluded' });
      command('job-dismiss', { id }, { [id]: 'gone' });
    };
    create(`${name}-file`, { driver: 'file', filename: `@${name}`, size: 0 });
    create(`${name}-qcow2`, { driver: 'qcow2', file, size: diskSize, 'cluster-size': one([4096, 65_536]) });
    command('blockdev-add', { driver: 'qcow2', 'node-name': name, file });
    return name;
  };

  const bitmapAction = (): { readonly type: string; readonly data: object } => {
    const [on, name] = [node(), bitmap()];
    switch (below(6)) {
      case 0:
      case 1: {
        const granularity = one([65_536, 4096, 512, 100]);
        const persistent = name === 'p';
        return {
          type: 'block-dirty-bitmap-add',
          data: { node: on, name, granularity, persistent, disabled: chance(0.2) },
        };
      }
      case 2: {
        const bitmaps = [bitmap(), ...(chance(0.4) ? [{ node: node(), name: bitmap() }] : [])];
        return { type: 'block-dirty-bitmap-merge', data: { node: on, target: name, bitmaps } };
      }
      default: {
        const verb = one(['clear', 'remove', 'enable', 'disable', 'enable', 'disable']);
        return { type: `block-dirty-bitmap-${verb}`, data: { node: on, name } };
      }
    }
  };
  const bitmaps = (): void => {
    for (let count = 2 + below(4); count > 0; count--) {
      const { type, data } = bitmapAction();
      command(type, data);
      if (chance(0.3)) write();
    }
    const actions = Array.from({ length: 1 + below(3) }, bitmapAction);
    // A bitmap that is removed and then enabled stays disabled in 7.2 when that is refused: an error of its own.
    const removes = actions.some(({ type }) => type.endsWith('-remove'));
    if (!removes || actions.length === 1)
      command('transaction', { actions: chance(0.2) ? [...actions, { type: 'abort', data: {} }] : actions });
  };

  /** Verbs for a job from its start to its end, most of them at a wrong time. */
  const live = (id: string, life: JobLife, quiet: boolean): void => {
    const take = (verb: Verb): void => {
      life.take(verb);
      command(verb.command, verb.args, { [id]: life.rest });
    };
    for (let count = below(6); count > 0 && life.rest !== 'gone'; count--) {
      if (chance(0.2)) steps.push({ kind: 'look' });
      // A mirror that is pending holds the guest's writes.
      if (chance(0.3) && !(quiet && life.rest === 'pending')) write('job');
      const verb = chance(0.35) ? (life.onward(id) as Verb) : one(verbs(id));
      if (!life.slips(verb)) take(verb);
    }
    for (let verb = life.onward(id); verb !== undefined; verb = life.onward(id)) take(verb);
    if (chance(0.3)) take(one(verbs(id)));
  };
  const plan = (slow: boolean, readies: boolean) => {
    const [finalize, dismiss] = [chance(0.5), chance(0.5)];
    const args = { 'auto-finalize': finalize, 'auto-dismiss': dismiss, ...(slow ? { speed: 65_536 } : {}) };
    return { life: new JobLife({ slow, readies, finalize, dismiss }), args };
  };

  const backup = (): void => {
    const id = `backup${made}`;
    const to = target();
    // What copy-on-read has allocated when a job reads through it differs.
    const sync = one(['full', filter === 'copy-on-read' ? 'full' : 'top', 'incremental', 'bitmap', 'full', 'none']);
    const named = sync === 'incremental' || sync === 'bitmap' || chance(0.3);
    const mode = one(['on-success', 'never', 'always', undefined]);
    const bits = named ? { bitmap: bitmap(), ...(mode === undefined ? {} : { 'bitmap-mode': mode }) } : undefined;
    if (bits !== undefined && chance(0.8)) command('block-dirty-bitmap-add', { node: active(), name: bits?.bitmap });
    write();
    // What a bitmap says after a job that was cut off with mode always is a matter of time.
    const slow = sync === 'full' && mode !== 'always' && chance(0.6);
    if (sync === 'none') {
      command('blockdev-backup', { 'job-id': id, device: active(), target: to, sync, ...bits });
      write('job');
      command('job-cancel', { id }, { [id]: 'gone' });
    } else {
      const { life, args } = plan(slow, false);
      const job = { 'job-id': id, device: one([active(), root]), target: to, sync, compress: chance(0.2) };
      command('blockdev-backup', { ...job, ...bits, ...args }, { [id]: life.rest });
      live(id, life, false);
      if (life.cut) cut.add(to);
    }
    steps.push({ kind: 'look' });
    command('blockdev-del', { 'node-name': to });
  };
  const mirror = (): void => {
    const id = `mirror${made}`;
    const to = target();
    const { life, args } = plan(chance(0.5), true);
    const replaces = root === 'filter' && chance(0.5) ? { replaces: active() } : {};
    const job = { 'job-id': id, device: root, target: to, sync: 'full', ...replaces };
    const mode = { 'copy-mode': one(['background', 'write-blocking']), granularity: one([4096, 65_536]) };
    command('blockdev-mirror', { ...job, ...mode, ...args }, { [id]: life.rest });
    live(id, life, true);
    if (life.cut) cut.add(to);
    if (life.completed) {
      chain = [to];
      if (!('replaces' in job)) root = to;
    } else command('blockdev-del', { 'node-name': to });
  };
  const shorten = (): void => {
    const id = `short${made++}`;
    const [base, mid, top] = chain;
    if (top === undefined) {
      command('block-stream', { 'job-id': id, device: active(), base: '@nothing' });
      return;
    }
    const kind = one(['stream', 'commit', root === 'top' ? 'active' : 'commit']);
    // What jobs that read through copy-on-read have left to a stream, and so how long it takes, is a matter of time.
    const slow = chance(0.5) && !(kind === 'stream' && filter === 'copy-on-read');
    const { life, args } = plan(slow, kind === 'active');
    const job = { 'job-id': id, device: root, ...args };
    if (kind === 'stream') {
      const to = chance(0.5) ? { 'base-node': base } : {};
      command('block-stream', { ...job, device: top, ...to }, { [id]: life.rest });
    } else {
      // What is recorded of a base that a job has written to before it was cut off is a matter of time.
      for (const name of ['a', 'b', 'p']) command('block-dirty-bitmap-remove', { node: 'base', name });
      const range = kind === 'commit' ? { 'top-node': mid, 'base-node': base } : { 'base-node': base };
      command('block-commit', { ...job, ...range }, { [id]: life.rest });
    }
    live(id, life, kind === 'active');
    // Where a job was cut off, the rest is not shortened by a second one: how far the first had come is a matter of time.
    chain = life.completed ? [base as string] : [top];
    if (life.completed) root = base as string;
    // What it had written to the base is seen through the image between them, too.
    if (life.cut && kind !== 'stream') for (const name of ['base', 'mid']) cut.add(name);
  };

  const grouped = (): void => {
    const [first, second] = [`one${made}`, `two${made}`];
    const [to, other] = [target(), target()];
    const grouping = one(['grouped', 'individual']);
    const slow = chance(0.5);
    const [finalize, dismiss] = [chance(0.5), chance(0.5)];
    const action = (id: string, into: string, more: object) => ({
      type: 'blockdev-backup',
      data: { 'job-id': id, device: active(), target: into, sync: 'full', 'auto-dismiss': dismiss, ...more },
    });
    const actions = [
      action(first, to, { 'auto-finalize': finalize }),
      action(second, other, slow ? { speed: 65_536 } : {}),
    ];
    // Two grouped backups that are rolled back hang 7.2.
    const together = { actions, properties: { 'completion-mode': grouping } };
    if (grouping === 'individual' && chance(0.3)) {
      command('transaction', { ...together, actions: [...actions, { type: 'abort', data: {} }] });
    } else {
      const last: Rest = dismiss ? 'gone' : 'concluded';
      const held: Rest = finalize ? last : 'pending';
      const all = grouping === 'grouped';
      const ended = { [first]: held, [second]: all ? held : last };
      if (slow) {
        command('transaction', together, { [first]: all ? 'waiting' : held, [second]: 'running' });
        if (chance(0.5)) write('job');
        if (chance(0.5)) command('block-job-set-speed', { device: second, speed: 0 }, ended);
        else {
          command('job-cancel', { id: second }, { [first]: all ? last : held, [second]: last });
          cut.add(other);
        }
      } else command('transaction', together, ended);
      steps.push({ kind: 'look' });
      command('job-finalize', { id: one([first, second]) });
      command('job-finalize', { id: first }, { [first]: last, [second]: last });
      for (const id of [first, second]) command('job-dismiss', { id });
    }
    steps.push({ kind: 'look' });
    for (const name of [to, other]) command('blockdev-del', { 'node-name': name });
  };

  const exporting = (): void => {
    const id = one(['x', 'y', 'guest', '1bad']);
    const bits = chance(0.5) ? { bitmaps: [bitmap()] } : {};
    const more = { name: one(['x', 'y', 'guest', '']), writable: chance(0.3), 'allocation-depth': chance(0.5) };
    command('block-export-add', { type: 'nbd', id, 'node-name': one([active(), 'base', 'nothing']), ...more, ...bits });
    for (const name of ['enable', 'disable', 'remove'].filter(() => chance(0.4)))
      command(`block-dirty-bitmap-${name}`, { node: active(), name: bitmap() });
    steps.push({ kind: 'look' });
    for (const del of ['x', 'y', 'nothing'])
      command('block-export-del', { id: del, ...(chance(0.3) ? { mode: 'hard' } : {}) });
  };
  const refusals = (): void => {
    const id = one(['j', '1bad', '']);
    const job = {
      'job-id': id,
      device: one([active(), 'base', 'nothing']),
      target: one(['base', 'nothing', active(), 'filter']),
    };
    const wrong: (readonly [string, object])[] = [
      ['blockdev-backup', { ...job, sync: one(['none', 'full']), 'bitmap-mode': 'always' }],
      ['blockdev-backup', { ...job, sync: 'incremental', speed: -1 }],
      ['blockdev-mirror', { ...job, sync: one(['incremental', 'bitmap']) }],
      [
        'block-commit',
        {
          'job-id': id,
          device: one([active(), root]),
          'top-node': one(['nothing', 'base']),
          'base-node': one(['base', active()]),
        },
      ],
      ['block-commit', { 'job-id': id, device: one([active(), root]), 'top-node': 'base', top: '@base' }],
      ['block-stream', { 'job-id': id, device: active(), base: '@base', 'base-node': 'base' }],
      ['block-stream', { 'job-id': id, device: one(['nothing', active()]), 'base-node': active() }],
      ['blockdev-create', { 'job-id': '1bad', options: { driver: 'file', filename: '@t', size: 4096 } }],
      ['blockdev-create', { 'job-id': 'c', options: { driver: 'raw', size: 4096 } }],
      ['blockdev-add', { driver: 'throttle', 'node-name': 'q', 'throttle-group': 'nothing', file: active() }],
      ['blockdev-add', { driver: 'copy-on-read', 'node-name': 'q', bottom: 'nothing', file: active() }],
      ['blockdev-del', { 'node-name': one([active(), 'filter', 'nothing', 'base']) }],
    ];
    for (const [name, args] of wrong) if (chance(0.4)) command(name, args);
    const lost = {
      driver: 'qcow2',
      file: 'nothing',
      size: one([4096, -1, diskSize]),
      'cluster-size': one([512, 100]),
    };
    command('blockdev-create', { 'job-id': 'c', options: lost }, { c: 'concluded' });
    steps.push({ kind: 'look' });
    command('job-dismiss', { id: 'c' }, { c: 'gone' });
    for (const { command: name, args } of verbs('nothing')) if (chance(0.3)) command(name, args);
  };

  const episodes = [backup, backup, backup, mirror, shorten, grouped, bitmaps, bitmaps, exporting, refusals];
  for (let count = 4 + below(3); count > 0; count--) {
    write();
    one(episodes)();
    steps.push({ kind: 'look' });
  }
  return { steps, filter, files, cut };
}
