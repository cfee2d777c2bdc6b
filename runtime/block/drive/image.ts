import { BlockdevDriver } from '../../../generated/index.js';
import { invalid } from '../error.js';
import { protocolOf } from '../graph/filename.js';
import type { BlockOptions } from '../options.js';
import { chooseFrom } from './choose-from.js';
import type { DriveConfig } from './config.js';
import { cacheModes } from './options.js';

/** Replaces `cache` by what it is short for; what is given by itself has precedence. @throws BlockError when it is no mode */
export function splitCache(options: BlockOptions): void {
  const name = options.takeString('cache');
  if (name === undefined) return;
  const mode = cacheModes[chooseFrom('cache', name, Object.keys(cacheModes) as (keyof typeof cacheModes)[])];
  options.default('cache.writeback', mode.writeback);
  options.default('cache.direct', mode.direct);
  options.default('cache.no-flush', mode.noFlush);
}

/** Makes a `format` the `driver`. @throws BlockError when both are given */
export function renameFormat(options: BlockOptions, format: string | undefined): void {
  if (format === 'help' || format === '?') throw invalid(`'format' can be ${BlockdevDriver.join(', ')}`);
  if (format === undefined) return;
  if (options.has('driver')) throw invalid("'driver' is given twice: 'format' is its old name");
  options.set('driver', format);
}

/**
 * Adds what the root node is opened with unless its options say something else.
 *
 * @param image `lone` has the words of the option that stand without a value
 * @returns how it treats discards
 * @throws BlockError when there is nothing to open, or not in that way
 */
export function completeNodeOptions(
  options: BlockOptions,
  {
    id,
    filename,
    readOnly,
    aio,
    lone,
  }: Pick<DriveConfig, 'id' | 'filename' | 'readOnly' | 'aio'> & { readonly lone: readonly string[] },
): DriveConfig['discard'] {
  if (filename === undefined && !options.has('driver') && !options.hasUnder('file')) {
    const [key = ''] = options.keys();
    const word = lone.find((each) => each === key || each === `no${key}`);
    if (word !== undefined) {
      throw invalid(
        `'${word}' says nothing about a drive: write 'file=${word}' for an image, or 'if=${word}' for an interface`,
      );
    }
    throw invalid(`'${key}' is about an image, but there is none: give 'file' or 'driver', or leave '${key}' out`);
  }
  if (options.get('node-name') === id) throw invalid(`'${id}' cannot name both the drive and its node`);
  for (const key of ['cache.direct', 'cache.no-flush']) options.set(key, options.takeBoolean(key) ?? false);
  options.set('read-only', readOnly);
  if (aio === 'native') checkNativeAio(options, filename);
  const words = { ignore: 'ignore', off: 'ignore', unmap: 'unmap', on: 'unmap' } as const;
  const word = chooseFrom(
    'discard',
    options.takeString('discard') ?? 'ignore',
    Object.keys(words) as (keyof typeof words)[],
  );
  options.set('discard', words[word]);
  return words[word];
}

/** Native I/O of files works only where the host's caches are bypassed. @throws BlockError */
function checkNativeAio(options: BlockOptions, filename: string | undefined): void {
  const ofFile = filename === undefined ? options.has('file.filename') : isPath(filename);
  const direct = options.get('file.cache.direct') ?? options.get('cache.direct');
  if (ofFile && direct !== true && direct !== 'on') throw invalid('aio=native needs cache.direct=on (or cache=none)');
}

/** Whether a name is that of a file or device of the host. */
function isPath(filename: string): boolean {
  const protocol = protocolOf(filename);
  return protocol === undefined || protocol === 'file' || protocol.startsWith('host_');
}
