import { randomFrom } from '../runtime/block/random-from.js';

/** The length of every disk. */
export const failingDiskSize = 2 << 20;

/** The images of a script, each of which fails by the rules of `blkdebug` that are given for it. */
type FailingImage = 'base' | 'top' | 'target';

/** A job of which one image fails, and how its user goes on. */
export interface ErrorScript {
  readonly command: string;
  readonly args: { readonly [member: string]: unknown };
  readonly failing: FailingImage;
  readonly rule: object;
  /** How often it is resumed before it is cancelled. */
  readonly resumes: number;
}

const reads = ['read_aio', 'read_aio', 'l2_load', 'none'] as const;
// When a table that has changed is written is up to the driver.
const writes = ['write_aio', 'write_aio', 'none', 'cluster_alloc', 'l2_load', 'l2_alloc_write'] as const;

/** Makes a job of any kind with any policies, and one fault in what it reads or writes. */
export function errorScript(seed: number): ErrorScript {
  const random = randomFrom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const one = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  const policy = (): string => one(['report', 'ignore', 'stop', 'enospc', 'stop', 'enospc']);
  const policies = { 'on-source-error': policy(), 'on-target-error': policy() };
  const onError = { 'on-error': policy() };
  const sync = one(['full', 'full', 'top']);
  const [command, from, to, args] = one([
    ['blockdev-backup', 'top', 'target', { device: 'top', target: 'target', sync, ...policies }],
    ['blockdev-mirror', 'top', 'target', { device: 'top', target: 'target', sync, ...policies }],
    ['block-stream', 'base', 'top', { device: 'top', ...onError }],
    ['block-commit', 'top', 'base', { device: 'over', 'top-node': 'top', 'base-node': 'base', ...onError }],
    ['block-commit', 'top', 'base', { device: 'over', 'base-node': 'base', ...onError }],
  ] as const);
  const reading = random() < 0.5;
  const event = one<string>(reading ? reads : writes);
  const types = reading ? ['block-status'] : ['write', 'write-zeroes', 'discard'];
  const rule = {
    event,
    ...(event === 'none' ? { iotype: one(types) } : {}),
    errno: one([5, 28]),
    once: random() < 0.7,
    immediately: random() < 0.3,
    ...(random() < 0.6 ? { sector: below(failingDiskSize / 65_536) * 128 } : {}),
  };
  const ending = { 'auto-finalize': random() < 0.5, 'auto-dismiss': random() < 0.5 };
  return {
    command,
    args: { 'job-id': 'j', ...args, ...ending },
    failing: reading ? from : to,
    rule,
    resumes: 1 + below(4),
  };
}
