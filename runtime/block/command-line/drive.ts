import { BlockdevDetectZeroesOptions, BlockdevDriver } from '../../../generated/index.js';
import { parseOpts } from '../../visit/opts-text.js';
import { BlockError } from '../error.js';
import { protocolOf } from '../graph/filename.js';
import { BlockOptions } from '../options.js';
import {
  type DriveConfig,
  type DriveDevice,
  type DriveRegistry,
  readErrorActions,
  writeErrorActions,
} from './drive-config.js';
import { geometryOf } from './drive-geometry.js';
import { cacheModes, commonDriveOptions, driveAliases, legacyDriveOptions } from './drive-options.js';
import { deviceKind, generatedId, interfaceOf, slotOf } from './drive-slot.js';
import { takeThrottling } from './drive-throttling.js';
import { type ParameterValues, takeParameters } from './parameters.js';
import { chooseFrom, refused } from './refusal.js';

/** The interfaces whose devices can tell what to do about a failed request. */
const reportingInterfaces: readonly string[] = ['none', 'ide', 'scsi', 'virtio'];

/** The longest interval of timed statistics, in seconds. */
const longestInterval = 0xffff_ffff;

/**
 * Reads the text of a `--drive` (or `drive_add`): `file=a.qcow2,if=none,id=d0,cache=none,copy-on-read=on`. Old and new names of
 * options mean the same; what has no fixed meaning goes to the drivers.
 *
 * Nothing is opened and nothing is taken; whoever does the one must do the other.
 *
 * @param registry what is taken already
 * @param defaults what holds where the text says nothing
 * @throws OptionError for malformed text
 * @throws BlockError for options that are wrong or contradict each other
 */
export function readDrive(
  text: string,
  registry: DriveRegistry,
  defaults: { readonly snapshot: boolean } = { snapshot: false },
): DriveConfig {
  const { id: givenId, entries, warnings: deprecations } = parseOpts(text, { name: 'drive' });
  const warnings = [...deprecations];
  if (givenId !== undefined) refuseTaken(givenId, registry);
  const options = new BlockOptions(entries);
  renameAliases(options);
  splitCache(options);
  const legacy = takeParameters(options, legacyDriveOptions);

  if (legacy.boot !== undefined) warnings.push("'boot' is deprecated and has no effect: remove it");
  const media = chooseFrom('media', legacy.media ?? 'disk', ['disk', 'cdrom']);
  const readOnly = media === 'cdrom' || (legacy['read-only'] ?? false);
  const asksForCopies = legacy['copy-on-read'] ?? false;
  if (readOnly && asksForCopies) warnings.push("'copy-on-read' is off, because the drive is read-only");

  const device = deviceOf(legacy, media, registry);
  const id = givenId ?? generatedId(device, media);
  if (givenId === undefined) refuseTaken(id, registry);
  if (legacy.addr !== undefined && device.interface !== 'virtio') {
    throw refused(`'addr' is for if=virtio only, not for if=${device.interface}`);
  }
  for (const key of ['werror', 'rerror'] as const) {
    if (legacy[key] !== undefined && !reportingInterfaces.includes(device.interface)) {
      throw refused(`'${key}' is not for if=${device.interface}: only ${reportingInterfaces.join(', ')} have it`);
    }
  }

  const common = takeParameters(options, commonDriveOptions);
  const statsIntervals = takeIntervals(options);
  const aio = chooseFrom('aio', common.aio ?? 'threads', ['threads', 'native']);
  const throttling = takeThrottling(options, common['throttling.group'] ?? id);
  const detectZeroes = chooseFrom('detect-zeroes', common['detect-zeroes'] ?? 'off', BlockdevDetectZeroesOptions);
  takeFormat(options, common.format);
  const writeError = chooseFrom('werror', legacy.werror ?? 'enospc', writeErrorActions);
  const readError = chooseFrom('rerror', legacy.rerror ?? 'report', readErrorActions);

  const filename = legacy.file === '' ? undefined : legacy.file;
  const empty = filename === undefined && options.size === 0;
  const discard = empty ? 'ignore' : completeNodeOptions(options, { id, filename, readOnly });
  if (aio === 'native' && !empty) checkNativeAio(options, filename);
  return {
    id,
    empty,
    filename,
    nodeOptions: options,
    writeback: common['cache.writeback'] ?? true,
    readOnly,
    copyOnRead: asksForCopies && !readOnly,
    snapshot: common.snapshot ?? defaults.snapshot,
    detectZeroes,
    discard,
    aio,
    throttling,
    writeError,
    readError,
    statsAccountInvalid: common['stats-account-invalid'] ?? true,
    statsAccountFailed: common['stats-account-failed'] ?? true,
    statsIntervals,
    device,
    warnings,
  };
}

function refuseTaken(id: string, registry: DriveRegistry): void {
  const kind = registry.kind(id);
  if (kind !== undefined) throw new BlockError(`There is a ${kind} '${id}' already`, { code: 'EEXIST' });
}

function renameAliases(options: BlockOptions): void {
  for (const [old, name] of Object.entries(driveAliases)) {
    const value = options.take(old);
    if (value === undefined) continue;
    if (options.has(name)) throw refused(`'${name}' is given twice: '${old}' is its old name`);
    options.set(name, value);
  }
}

/** Replaces `cache` by what it is short for; what is given by itself has precedence. */
function splitCache(options: BlockOptions): void {
  const name = options.takeString('cache');
  if (name === undefined) return;
  const mode = cacheModes[chooseFrom('cache', name, Object.keys(cacheModes) as (keyof typeof cacheModes)[])];
  options.default('cache.writeback', mode.writeback);
  options.default('cache.direct', mode.direct);
  options.default('cache.no-flush', mode.noFlush);
}

function deviceOf(
  legacy: ParameterValues<typeof legacyDriveOptions>,
  media: 'disk' | 'cdrom',
  registry: DriveRegistry,
): DriveDevice {
  const type = interfaceOf(legacy.if);
  const geometry = geometryOf(legacy);
  if (media === 'cdrom' && geometry !== undefined) throw refused('A CD-ROM has no cylinders, heads and sectors');
  return {
    ...slotOf(type, legacy, registry),
    kind: deviceKind(type, media),
    ...(legacy.serial !== undefined && { serial: legacy.serial }),
    ...(legacy.addr !== undefined && { address: legacy.addr }),
    ...(geometry && { geometry }),
  };
}

function takeIntervals(options: BlockOptions): number[] {
  const intervals = options.takeList('stats-intervals').map((item) => {
    const seconds = item.takeInteger('', { least: 1, most: longestInterval });
    const [inner] = item.keys();
    if (seconds === undefined || inner !== undefined)
      throw refused("'stats-intervals' is a list of numbers of seconds");
    return seconds;
  });
  for (const key of options.keys()) {
    if (key === 'stats-intervals' || key.startsWith('stats-intervals.')) {
      throw refused(`'${key}' cannot be: the intervals are 'stats-intervals.0', 'stats-intervals.1' and so on`);
    }
  }
  return intervals;
}

function takeFormat(options: BlockOptions, format: string | undefined): void {
  if (format === 'help' || format === '?') throw refused(`'format' can be ${BlockdevDriver.join(', ')}`);
  if (format === undefined) return;
  if (options.has('driver')) throw refused("'driver' is given twice: 'format' is its old name");
  options.set('driver', format);
}

/** Adds what the root node is opened with unless its options say something else; returns how it treats discards. */
function completeNodeOptions(
  options: BlockOptions,
  { id, filename, readOnly }: { id: string; filename: string | undefined; readOnly: boolean },
): DriveConfig['discard'] {
  if (filename === undefined && !options.has('driver') && !options.hasUnder('file')) {
    const [key] = options.keys();
    throw refused(`'${key}' is about an image, but there is none: give 'file' or 'driver', or leave '${key}' out`);
  }
  if (options.get('node-name') === id) throw refused(`'${id}' cannot name both the drive and its node`);
  for (const key of ['cache.direct', 'cache.no-flush']) options.set(key, options.takeBoolean(key) ?? false);
  options.set('read-only', readOnly);
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
  if (ofFile && direct !== true && direct !== 'on') throw refused('aio=native needs cache.direct=on (or cache=none)');
}

/** Whether a name is that of a file or device of the host. */
function isPath(filename: string): boolean {
  const protocol = protocolOf(filename);
  return protocol === undefined || protocol === 'file' || protocol.startsWith('host_');
}
