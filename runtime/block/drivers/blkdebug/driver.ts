import type { BlkdebugEvent } from '../../../../generated/index.js';
import type { BlockDriver, BlockStatus, Child, DriverInstance, OpenContext } from '../../driver.js';
import { BlockError, ioError } from '../../error.js';
import { isPowerOfTwo } from '../../limits.js';
import type { BlockOptions } from '../../options.js';
import { RequestFlag } from '../../request-flag.js';
import { nothingToSwitch } from '../shared/reopening.js';
import { Breakpoints } from './breakpoints.js';
import { RuleMachine } from './machine.js';
import { type InjectRule, takeRules } from './rules.js';

const passedOn = RequestFlag.fua | RequestFlag.mayUnmap | RequestFlag.noFallback;

/**
 * `blkdebug`: passes requests on to `image`, and makes some of them fail, by rules about what the parent announces.
 *
 * Options: `image`; `align` (bytes, a power of two below 2^31); rules from the file `config` and from the lists
 * `inject-error` and `set-state`. File names: `blkdebug:CONFIG:IMAGE`, with CONFIG empty for none.
 */
export const blkdebug: BlockDriver = {
  name: 'blkdebug',
  kind: 'protocol',
  changeable: [],
  parseFilename,
  async open(context: OpenContext): Promise<DriverInstance> {
    const { options, host } = context;
    const filename = options.takeString('filename');
    if (filename !== undefined && !options.has('image') && !options.hasUnder('image')) parseFilename(filename, options);
    const shown = ownOptions(options);
    const rules = await takeRules(options, host);
    const align = takeAlignment(options);
    // What is in the image is for the format above: it is not looked at here.
    const image = await context.openChild('image', 'protocol', options.takeString('x-image'));
    return instanceOf(context, image, new RuleMachine(rules), align, shown);
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

function takeAlignment(options: BlockOptions): number {
  const align = options.takeSize('align') ?? 0;
  if (align === 0) return 1;
  if (align < 2 ** 31 && isPowerOfTwo(align)) return align;
  throw new BlockError(`Option 'align' is ${align}, but must be a power of two below 2^31`, { code: 'EINVAL' });
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
  { node }: OpenContext,
  image: Child,
  machine: RuleMachine,
  requestAlignment: number,
  shown: { readonly [key: string]: string | number | boolean },
): DriverInstance {
  const breakpoints = new Breakpoints();
  /** Lets a request go on unless it is held up, and then unless a rule fails it. */
  const passed = (offset: number, length: number, go: () => Promise<void>): Promise<void> => {
    const meet = (): Promise<void> => {
      const rule = machine.meet(offset, length);
      return rule === undefined ? go() : failBy(rule);
    };
    return breakpoints.pass()?.then(meet) ?? meet();
  };
  return {
    get length() {
      return image.node.length;
    },
    requestAlignment,
    writeFlags: RequestFlag.fua | RequestFlag.mayUnmap,
    breakpoints,
    debug(event: BlkdebugEvent) {
      machine.announce(event);
      breakpoints.announce(event);
    },
    read: (offset, buffer) => passed(offset, buffer.length, () => image.read(offset, buffer)),
    write: (offset, data, flags) => passed(offset, data.length, () => image.write(offset, data, flags & passedOn)),
    writeZeroes: (offset, length, flags) =>
      passed(offset, length, () => image.writeZeroes(offset, length, flags & passedOn)),
    discard: (offset, length) => passed(offset, length, () => image.discard(offset, length)),
    async flushToOs() {
      // Without flushes to the disk this is the only chance for what the image caches to leave the process.
      if (node.flags.noFlush) await image.flush();
    },
    flushToDisk() {
      const rule = machine.meet();
      return rule === undefined ? image.flush() : failBy(rule);
    },
    truncate: (size) => image.truncate(size),
    async blockStatus(offset, length): Promise<BlockStatus> {
      return { length, allocated: true, data: true, zero: false, offset, file: image };
    },
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

async function failBy({ code, immediately }: InjectRule): Promise<never> {
  if (!immediately) await new Promise((resolve) => setImmediate(resolve));
  throw ioError(code ?? 'EIO');
}
