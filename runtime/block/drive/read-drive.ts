import { BlockdevDetectZeroesOptions } from '../../../generated/index.js';
import { parseOpts } from '../../visit/opts-text.js';
import { BlockError, invalid } from '../error.js';
import { BlockOptions } from '../options.js';
import { chooseFrom } from './choose-from.js';
import {
  type DriveConfig,
  type DriveDevice,
  type DriveRegistry,
  readErrorActions,
  writeErrorActions,
} from './config.js';
import { geometryOf } from './geometry.js';
import { completeNodeOptions, renameFormat, splitCache } from './image.js';
import { commonDriveOptions, driveAliases, legacyDriveOptions } from './options.js';
import { type ParameterValues, takeParameters } from './parameters.js';
import { deviceKind, generatedId, interfaceOf, slotOf } from './slot.js';
import { takeThrottling } from './throttling.js';

/** The interfaces whose devices can tell what to do about a failed request. */
const reportingInterfaces: readonly string[] = ['none', 'ide', 'scsi', 'virtio'];

/** The longest interval of timed statistics, in seconds. */
const longestInterval = 0xffff_ffff;

/**
 * Reads the text of a `--drive` (or `drive_add`): `file=a.qcow2,if=none,id=d0,cache=none,copy-on-read=on`. Old and new names of
 * options mean the same; what has no fixed meaning goes to the drivers.
 *
 * Nothing is opened and nothing is taken; a caller that does the one must do the other.
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
  const { id: givenId, entries, lone = [], warnings: deprecations } = parseOpts(text, { name: 'drive' });
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
    throw invalid(`'addr' is for if=virtio only, not for if=${device.interface}`);
  }
  for (const key of ['werror', 'rerror'] as const) {
    if (legacy[key] !== undefined && !reportingInterfaces.includes(device.interface)) {
      throw invalid(`'${key}' is not for if=${device.interface}: only ${reportingInterfaces.join(', ')} have it`);
    }
  }

  const common = takeParameters(options, commonDriveOptions);
  const statsIntervals = takeIntervals(options);
  const aio = chooseFrom('aio', common.aio ?? 'threads', ['threads', 'native']);
  const throttling = takeThrottling(options, common['throttling.group'] ?? id);
  const detectZeroes = chooseFrom('detect-zeroes', common['detect-zeroes'] ?? 'off', BlockdevDetectZeroesOptions);
  renameFormat(options, common.format);
  const writeError = chooseFrom('werror', legacy.werror ?? 'enospc', writeErrorActions);
  const readError = chooseFrom('rerror', legacy.rerror ?? 'report', readErrorActions);

  const filename = legacy.file === '' ? undefined : legacy.file;
  const empty = filename === undefined && options.size === 0;
  const discard = empty ? 'ignore' : completeNodeOptions(options, { id, filename, readOnly, aio, lone });
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
    if (options.has(name)) throw invalid(`'${name}' is given twice: '${old}' is its old name`);
    options.set(name, value);
  }
}

function deviceOf(
  legacy: ParameterValues<typeof legacyDriveOptions>,
  media: 'disk' | 'cdrom',
  registry: DriveRegistry,
): DriveDevice {
  const type = interfaceOf(legacy.if);
  const geometry = geometryOf(legacy);
  if (media === 'cdrom' && geometry !== undefined) throw invalid('A CD-ROM has no cylinders, heads and sectors');
  return {
    ...slotOf(type, legacy, registry),
    kind: deviceKind(type, media),
    ...(legacy.serial !== undefined && { serial: legacy.serial }),
    ...(legacy.addr !== undefined && { address: legacy.addr }),
    ...(geometry && { geometry }),
  };
}

function takeIntervals(options: BlockOptions): number[] {
  const intervals: number[] = [];
  for (;;) {
    const key = `stats-intervals.${intervals.length}`;
    const seconds = options.takeInteger(key, { least: 1, most: longestInterval });
    if (seconds === undefined) break;
    intervals.push(seconds);
  }
  for (const key of options.keys()) {
    if (key === 'stats-intervals' || key.startsWith('stats-intervals.')) {
      throw invalid(`'${key}' cannot be: the intervals are 'stats-intervals.0', 'stats-intervals.1' and so on`);
    }
  }
  return intervals;
}
