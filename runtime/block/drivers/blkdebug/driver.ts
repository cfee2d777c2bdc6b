import type { BlkdebugEvent, BlkdebugIOType } from '../../../../generated/index.js';
import type { Clock } from '../../clock.js';
import type { BlockDriver, BlockStatus, Child, DriverInstance, OpenContext } from '../../driver.js';
import { BlockError, ioError } from '../../error.js';
import { roundDown, roundUp } from '../../limits.js';
import type { BlockOptions } from '../../options.js';
import type { Permissions } from '../../permissions.js';
import { RequestFlag } from '../../request-flag.js';
import { nothingToSwitch } from '../shared/reopening.js';
import { Breakpoints } from './breakpoints.js';
import { takeChildPermissions } from './child-permissions.js';
import { RuleMachine } from './machine.js';
import { inPieces, type RequestLimits, takeRequestLimits } from './request-limits.js';
import { type InjectRule, takeRules } from './rules.js';

const passedOn = RequestFlag.fua | RequestFlag.mayUnmap | RequestFlag.noFallback;

/**
 * `blkdebug`: passes requests on to `image`, and makes some of them fail, by rules about what the parent announces.
 *
 * Options: `image`; what {@link takeRequestLimits} takes; permissions on the image, `take-child-perms` and
 * `unshare-child-perms`; rules from the file `config` and from the lists `inject-error` and `set-state`. File names: `blkdebug:CONFIG:IMAGE`, with CONFIG empty for none.
 */
export const blkdebug: BlockDriver = {
  name: 'blkdebug',
  kind: 'protocol',
  filter: true,
  filters: 'image',
  changeable: [],
  parseFilename,
  async open(context: OpenContext): Promise<DriverInstance> {
    const { options, host } = context;
    const filename = options.takeString('filename');
    if (filename !== undefined && !options.has('image') && !options.hasUnder('image')) parseFilename(filename, options);
    const shown = ownOptions(options);
    const rules = await takeRules(options, host);
    const permissions = takeChildPermissions(options);
    // What is in the image is for the format above: it is not looked at here.
    const image = await context.openChild('image', 'protocol', options.takeString('x-image'));
    const limits = takeRequestLimits(options, image.node.requestAlignment);
    const machine = new RuleMachine(rules);
    machine.announce('none');
    return instanceOf(context, image, machine, limits, permissions, shown);
  },
};

/** What comes before the first colon is the rules' file, all that follows is the image. */
function parseFilename(filename: string, options: BlockOptions): void {
  const [, config, image] = /^blkdebug:([^:]*):(.*)$/s.exec(filename) ?? [];
  if (config === undefined || image === undefined || image === '') {
    throw new BlockError(
      `A file name of blkdebug is 'blkdebug:CONFIG:IMAGE' (CONFIG may be empty), which '${filename}' is not`,
      { code: 'EINVAL' },
    );
  }
  if (config !== '') options.default('config', config);
  options.set('x-image', image);
}

/** The options that are not about the image, as they were given. */
function ownOptions(options: BlockOptions): { [key: string]: string | number | boolean } {
  const shown: { [key: string]: string | number | boolean } = {};
  for (const [key, value] of options.entries()) {
    if (key === 'x-image' || key === 'image' || key.startsWith('image.') || value === null) continue;
    shown[key] = typeof value === 'bigint' ? String(value) : value;
  }
  return shown;
}

function instanceOf(
  { node, host }: OpenContext,
  image: Child,
  machine: RuleMachine,
  limits: RequestLimits,
  permissions: (own: Permissions) => Permissions,
  shown: { readonly [key: string]: string | number | boolean },
): DriverInstance {
  const breakpoints = new Breakpoints();
  /** Lets a request go on unless a rule fails it. */
  const ruled = (kind: BlkdebugIOType, offset: number, length: number, go: () => Promise<void>): Promise<void> => {
    const rule = machine.meet(kind, offset, length);
    return rule === undefined ? go() : obey(rule, host.clock, go);
  };
  /** The same for one that may be held up before. */
  const passed = (kind: BlkdebugIOType, offset: number, length: number, go: () => Promise<void>): Promise<void> => {
    const meet = () => ruled(kind, offset, length, go);
    return breakpoints.pass()?.then(meet) ?? meet();
  };
  const zeroUnit = limits.optWriteZero ?? limits.align;
  const discardUnit = limits.optDiscard ?? limits.align;
  return {
    get length() {
      return image.node.length;
    },
    requestAlignment: limits.align,
    zeroAlignment: zeroUnit,
    writeFlags: RequestFlag.fua | RequestFlag.mayUnmap,
    breakpoints,
    debug(event: BlkdebugEvent) {
      machine.announce(event);
      breakpoints.announce(event);
    },
    read: (offset, buffer) =>
      inPieces(offset, buffer.length, limits.maxTransfer, (from, to) =>
        passed('read', from, to - from, () => image.read(from, buffer.subarray(from - offset, to - offset))),
      ),
    write: (offset, data, flags) =>
      inPieces(offset, data.length, limits.maxTransfer, (from, to) => {
        const piece = data.subarray(from - offset, to - offset);
        return passed('write', from, to - from, () => image.write(from, piece, flags & passedOn));
      }),
    async writeZeroes(offset, length, flags) {
      if (offset % zeroUnit !== 0 || length % zeroUnit !== 0) throw ioError('ENOTSUP');
      await inPieces(offset, length, limits.maxWriteZero, (from, to) =>
        passed('write-zeroes', from, to - from, () => image.writeZeroes(from, to - from, flags & passedOn)),
      );
    },
    async discard(offset, length) {
      const end = offset + length;
      const first = Math.min(roundUp(offset, discardUnit), end);
      const last = Math.max(roundDown(end, discardUnit), first);
      for (const [start, stop] of [
        [offset, first],
        [first, last],
        [last, end],
      ] as const) {
        await inPieces(start, stop - start, limits.maxDiscard, (from, to) =>
          passed('discard', from, to - from, () => image.discard(from, to - from)),
        );
      }
    },
    async flushToOs() {
      // Without flushes to the disk this is the only chance for what the image caches to leave the process.
      if (node.flags.noFlush) await image.flush();
    },
    flushToDisk() {
      const rule = machine.meet('flush');
      return rule === undefined ? image.flush() : obey(rule, host.clock, () => image.flush());
    },
    truncate: (size) => image.truncate(size),
    async blockStatus(offset, length): Promise<BlockStatus> {
      await ruled('block-status', offset, length, async () => {});
      return { length, allocated: true, data: true, zero: false, offset, file: image };
    },
    childPermissions: permissions,
    prepareReopen: async () => nothingToSwitch,
    effectiveOptions: () => shown,
    exactFilename() {
      const { config = '', ...others } = shown;
      const { filename } = image.node;
      if (Object.keys(others).length > 0 || String(config).includes(':') || filename.startsWith('json:'))
        return undefined;
      return `blkdebug:${config}:${filename}`;
    },
    async close() {},
  };
}

/** Does with a request what a rule says: it waits, and then fails or goes on. */
async function obey({ code, delay, immediately }: InjectRule, clock: Clock, go: () => Promise<void>): Promise<void> {
  if (delay > 0) await new Promise<void>((resolve) => clock.after(delay, resolve));
  if (code === undefined) return go();
  if (!immediately && delay <= 0) await new Promise((resolve) => setImmediate(resolve));
  throw ioError(code);
}
