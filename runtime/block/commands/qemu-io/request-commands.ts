import { strerror } from '../../errno.js';
import { BlockError, errnoOf } from '../../error.js';
import { RequestFlag } from '../../request-flag.js';
import { bytesOf, type IoArguments, type IoSyntax, patternOf } from './arguments.js';
import type { IoCommand } from './command.js';
import type { IoDisk } from './disk.js';
import { dumpText, reportText } from './print.js';

/** Bytes of the largest request. */
const largest = 2 ** 31 - 512;

/** What is written where no pattern is given. */
const defaultPattern = 0xcd;

const readSyntax: IoSyntax = {
  name: 'read',
  options: 'abCl:pP:qs:v',
  least: 2,
  most: 2,
  usage: 'read [-abCqv] [-P pattern [-s off] [-l len]] off len',
  help: 'reads a number of bytes at a specified offset',
};

const writeSyntax: IoSyntax = {
  name: 'write',
  options: 'bcCfnpP:quz',
  least: 2,
  most: 2,
  writes: true,
  usage: 'write [-bcCfnquz] [-P pattern] off len',
  help: 'writes a number of bytes at a specified offset',
};

/** Commands that make requests, and those that begin requests without waiting for them. */
export const requestCommands: readonly IoCommand[] = [
  { ...readSyntax, run: read },
  {
    ...readSyntax,
    name: 'aio_read',
    usage: 'aio_read [-Ciqv] [-P pattern] off len',
    help: 'begins to read a number of bytes',
    run: (disk, args) => begin(disk, read(disk, args)),
  },
  { ...writeSyntax, run: write },
  {
    ...writeSyntax,
    name: 'aio_write',
    usage: 'aio_write [-Cfiquz] [-P pattern] off len',
    help: 'begins to write a number of bytes',
    run: (disk, args) => begin(disk, write(disk, args)),
  },
  {
    ...readSyntax,
    name: 'readv',
    usage: 'readv [-Cqv] [-P pattern] off len [len..]',
    most: Number.POSITIVE_INFINITY,
    run: read,
  },
  {
    ...writeSyntax,
    name: 'writev',
    usage: 'writev [-Cfq] [-P pattern] off len [len..]',
    most: Number.POSITIVE_INFINITY,
    run: write,
  },
  {
    name: 'aio_flush',
    options: '',
    least: 0,
    most: 0,
    usage: 'aio_flush',
    help: 'waits for all that was begun',
    async run({ begun }) {
      const printed = await Promise.all(begun);
      begun.clear();
      return printed.flat();
    },
  },
  {
    name: 'flush',
    options: '',
    least: 0,
    most: 0,
    usage: 'flush',
    help: 'writes to the disk what caches hold',
    async run({ backend }) {
      await backend.flush();
      return [];
    },
  },
  {
    name: 'discard',
    options: 'Cq',
    least: 2,
    most: 2,
    writes: true,
    usage: 'discard [-Cq] off len',
    help: 'says that a number of bytes is not needed any more',
    run: ({ backend }, args) => timed(args, 'discard', (offset, length) => backend.discard(offset, length)),
  },
];

function begin({ begun }: IoDisk, printed: Promise<readonly string[]>): string[] {
  begun.add(
    printed.catch((error: unknown) => {
      if (error instanceof BlockError) return [error.message];
      throw error;
    }),
  );
  return [];
}

async function read({ backend }: IoDisk, args: IoArguments): Promise<string[]> {
  const { options } = args;
  const pattern = optional(options.get('P'), patternOf);
  const printed: string[] = [];
  const report = await timed(args, 'read', async (offset, length) => {
    const buffer = Buffer.allocUnsafe(length);
    await backend.read(offset, buffer);
    if (pattern !== undefined) {
      const start = optional(options.get('s'), bytesOf) ?? 0;
      const checked = optional(options.get('l'), bytesOf) ?? length - start;
      if (start + checked > length) throw new BlockError('pattern verification range exceeds end of read data');
      if (!buffer.subarray(start, start + checked).every((byte) => byte === pattern)) {
        printed.push(`Pattern verification failed at offset ${offset + start}, ${checked} bytes`);
      }
    }
    if (options.has('v')) printed.push(...dumpText(buffer, offset));
  });
  return [...printed, ...report];
}

function write({ backend }: IoDisk, args: IoArguments): Promise<string[]> {
  const { options } = args;
  const pattern = optional(options.get('P'), patternOf);
  if (options.has('z') && pattern !== undefined) throw new BlockError('-z and -P cannot be specified at the same time');
  if (options.has('z') && options.has('c')) throw new BlockError('-c and -z cannot be specified at the same time');
  if (options.has('u') && !options.has('z')) throw new BlockError('-u requires -z to be specified');
  const flag = (letter: string, value: number): number => (options.has(letter) ? value : 0);
  const flags =
    flag('f', RequestFlag.fua) |
    flag('u', RequestFlag.mayUnmap) |
    flag('n', RequestFlag.noFallback) |
    flag('c', RequestFlag.compressed);
  return timed(args, 'wrote', (offset, length) =>
    options.has('z')
      ? backend.writeZeroes(offset, length, flags)
      : backend.write(offset, Buffer.alloc(length, pattern ?? defaultPattern), flags),
  );
}

/** Makes a request and reports it. */
async function timed(
  { options, words: [place = '', ...lengths] }: IoArguments,
  verb: string,
  work: (offset: number, length: number) => Promise<void>,
): Promise<string[]> {
  const offset = bytesOf(place);
  const count = lengths.map(bytesOf).reduce((sum, length) => sum + length, 0);
  if (count > largest) throw new BlockError(`length cannot exceed ${largest}, given ${count}`);
  const start = performance.now();
  try {
    await work(offset, count);
  } catch (error) {
    if (error instanceof BlockError && error.message !== strerror(errnoOf(error))) throw error;
    throw new BlockError(`${verb === 'wrote' ? 'write' : verb} failed: ${strerror(errnoOf(error))}`, { cause: error });
  }
  if (options.has('q')) return [];
  return reportText({ verb, offset, count, seconds: (performance.now() - start) / 1000, parsable: options.has('C') });
}

function optional<T>(text: string | undefined, read: (text: string) => T): T | undefined {
  return text === undefined ? undefined : read(text);
}
