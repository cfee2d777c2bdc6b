import { parseJson } from '../../json/parse.js';
import { isJsonObject, type JsonValue } from '../../json/value.js';
import { parseKeyval } from '../../visit/keyval-text.js';
import { OptionError } from '../../visit/option-error.js';
import { checkId } from '../../visit/well-formed-id.js';
import { BlockOptions } from '../options.js';
import { chooseFrom } from './choose-from.js';
import { type DeviceModel, readDeviceModel } from './device-model.js';
import { type ParameterTable, refuseOthers, takeParameters } from './parameters.js';

/** The parameters of `--device`. */
export const deviceParameters = {
  type: { type: 'string', help: 'what it is: disk, cdrom, floppy' },
  drive: { type: 'string', help: 'id of the drive that it uses' },
  id: { type: 'string', help: 'name of the device, by which commands can call it; if not given, that of the drive' },
  locked: { type: 'boolean', help: 'the tray is locked, as by a guest', default: 'off' },
} as const satisfies ParameterTable;

/** The virtual device that a `--device` asks for. */
export interface DeviceConfig {
  readonly kind: 'disk' | 'cdrom' | 'floppy';
  /** The backend that it is attached to. */
  readonly drive: string;
  /** Its own name, of a namespace of its own. Absent: that of the drive. */
  readonly id: string | undefined;
  readonly locked: boolean;
}

const kinds = ['disk', 'cdrom', 'floppy'] as const;

/**
 * Reads the text of a `--device`: `cdrom,drive=cd0,id=cddev,locked=on`; or what `device_add` takes, as text or JSON:
 * `virtio-blk,drive=node0,id=vd0`.
 *
 * @throws OptionError or BlockError that says what is wrong
 */
export function readDeviceOption(text: string): DeviceConfig | DeviceModel {
  if (text.startsWith('{')) {
    const properties = readValue(text);
    if (!isJsonObject(properties)) throw new OptionError('a device is an object');
    return readDeviceModel(properties);
  }
  const { tree } = parseKeyval(text, { impliedKey: 'driver' });
  const { driver } = tree;
  // A floppy drive is called the same there and here. It may be empty.
  if (driver === 'floppy' && tree.locked === undefined)
    return readDeviceModel(tree.drive === undefined ? tree : { id: tree.drive, ...tree });
  return driver === undefined || kinds.some((kind) => kind === driver) ? readDevice(text) : readDeviceModel(tree);
}

function readValue(text: string): JsonValue {
  try {
    return parseJson(text);
  } catch (error) {
    throw new OptionError(`this is not JSON: ${(error as Error).message}`);
  }
}

/**
 * Reads the text of a `--device` of the kinds of this server: `cdrom,drive=cd0,id=cddev,locked=on`.
 *
 * @throws OptionError or BlockError that says what is wrong
 */
export function readDevice(text: string): DeviceConfig {
  const options = BlockOptions.flatten(parseKeyval(text, { impliedKey: 'type' }).tree);
  const { type, drive, id, locked = false } = takeParameters(options, deviceParameters);
  refuseOthers(options, 'device', deviceParameters);
  if (type === undefined) throw new OptionError("'type' is missing: disk, cdrom or floppy", 'type');
  if (drive === undefined) throw new OptionError("'drive' is missing: the id of the drive that it uses", 'drive');
  if (id !== undefined) checkId(id);
  const kind = chooseFrom('type', type, kinds);
  if (locked && kind !== 'cdrom') throw new OptionError("'locked' is about a tray: only a cdrom has one", 'locked');
  return { kind, drive, id, locked };
}
