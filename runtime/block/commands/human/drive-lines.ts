import { OptionError } from '../../../visit/option-error.js';
import { parseOpts } from '../../../visit/opts-text.js';
import { readSize } from '../../../visit/scalar-text.js';
import { chooseFrom } from '../../drive/choose-from.js';
import { readDrive } from '../../drive/read-drive.js';
import { BlockError } from '../../error.js';
import { BlockOptions } from '../../options.js';
import type { HumanCommand, HumanMonitor } from './command.js';

const driveAddHelp = `drive_add [-n] [[<domain>:]<bus>:]<slot>
[file=file][,if=type][,bus=n]
[,unit=m][,media=d][,index=i]
[,cyls=c,heads=h,secs=s[,trans=t]]
[,snapshot=on|off][,cache=mode]
[,readonly=on|off][,copy-on-read=on|off] -- add a drive, or with -n a node; the slot is ignored`;

/** Lines that add, change and remove drives. */
export const driveLines: readonly HumanCommand[] = [
  {
    name: 'drive_add',
    flags: 'n',
    least: 2,
    most: 2,
    help: driveAddHelp,
    async run({ flags, words: [, options = ''] }, monitor, print) {
      await (flags.has('n') ? addNode(options, monitor) : addDrive(options, monitor, print));
    },
  },
  {
    name: 'drive_del',
    flags: '',
    least: 1,
    most: 1,
    help: 'drive_del device -- take the medium out of a drive and delete it; also deletes nodes',
    run: ({ words: [name = ''] }, monitor) => monitor.deleteDrive(name),
  },
  {
    name: 'eject',
    flags: 'f',
    least: 1,
    most: 1,
    help: 'eject [-f] device -- take the medium out of a device, with -f even when it is locked',
    async run({ flags, words: [device = ''] }, monitor) {
      await monitor.run('eject', { device, force: flags.has('f') });
    },
  },
  {
    name: 'change',
    flags: '',
    least: 2,
    most: 4,
    help: 'change device filename [format [read-only-mode]] -- exchange the medium of a device',
    async run({ words: [device = '', filename = '', format, mode] }, monitor) {
      const modes = ['retain', 'read-only', 'read-write'] as const;
      await monitor.run('blockdev-change-medium', {
        device,
        filename,
        ...(format === undefined ? {} : { format }),
        ...(mode === undefined ? {} : { 'read-only-mode': chooseFrom('read-only-mode', mode, modes) }),
      });
    },
  },
  {
    name: 'block_resize',
    flags: '',
    least: 2,
    most: 2,
    help: 'block_resize device size -- change the size of an image, in MiB or with a suffix (B, k, M, G, T)',
    async run({ words: [device = '', size = ''] }, monitor) {
      await monitor.run('block_resize', { device, size: mebibytesOf(size, 'size') });
    },
  },
  {
    name: 'block_set_io_throttle',
    flags: '',
    least: 7,
    most: 7,
    help: 'block_set_io_throttle device bps bps_rd bps_wr iops iops_rd iops_wr -- limit a device; 0 for no limit',
    async run({ words: [device = '', ...numbers] }, monitor) {
      const [bps = 0, bps_rd = 0, bps_wr = 0, iops = 0, iops_rd = 0, iops_wr = 0] = numbers.map((text) =>
        sizeOf(text, 'limit'),
      );
      await monitor.run('block_set_io_throttle', { device, bps, bps_rd, bps_wr, iops, iops_rd, iops_wr });
    },
  },
];

/** A number with an optional suffix. @throws OptionError when it is none */
/** The bytes that a number says which counts MiB where it has no suffix, as sizes and speeds of this monitor do. @throws OptionError */
export function mebibytesOf(text: string, name: string): number {
  if (/^\d+B$/.test(text)) return Number(text.slice(0, -1));
  return sizeOf(/^[\d.]+$/.test(text) ? `${text}M` : text, name);
}

/** The bytes that a number says. @throws OptionError */
function sizeOf(text: string, name: string): number {
  const size = readSize(text);
  if (size === undefined)
    throw new OptionError(`'${text}' is no ${name}: write a number, perhaps with k, M, G or T`, name);
  return Number(size);
}

async function addDrive(text: string, monitor: HumanMonitor, print: (text: string) => void): Promise<void> {
  const config = readDrive(text, monitor.registry);
  const { interface: type } = config.device;
  if (type !== 'none') throw new BlockError(`A drive of if=${type} cannot be added to a running machine: use if=none`);
  await monitor.addDrive(config);
  for (const warning of config.warnings) print(`warning: ${warning}`);
  print('OK');
}

async function addNode(text: string, monitor: HumanMonitor): Promise<void> {
  const { id, entries } = parseOpts(text, { name: 'drive' });
  const options = new BlockOptions(entries);
  if (id !== undefined) throw new BlockError("A node has no 'id': it has a 'node-name'");
  if (!options.has('node-name'))
    throw new BlockError("'node-name' must be specified for the root node: nothing could refer to it");
  await monitor.addNode(options);
}
