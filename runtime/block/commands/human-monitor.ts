import type { BlockDeviceInfo, BlockInfo } from '../../../generated/index.js';
import { isQmpFailure } from '../../qmp/error.js';
import { OptionError } from '../../visit/option-error.js';
import { parseOpts } from '../../visit/opts-text.js';
import type { DriveConfig, DriveRegistry } from '../drive/config.js';
import { readDrive } from '../drive/read-drive.js';
import { BlockError } from '../error.js';
import { BlockOptions } from '../options.js';
import type { BlockHandlers } from './handlers.js';
import { describeDevice, describeNode } from './human-block-info.js';
import { type HumanLine, type HumanSyntax, readHumanLine } from './human-line.js';

/** What the lines of the human monitor work on. */
export interface HumanMonitor {
  /** The names and slots that are taken. */
  readonly registry: DriveRegistry;
  /** @throws BlockError when the drive cannot be made; nothing is left of it then */
  addDrive(config: DriveConfig): Promise<void>;
  /**
   * Adds a node as `blockdev-add` does, from flat options that are text.
   *
   * @throws BlockError when it cannot be opened
   */
  addNode(options: BlockOptions): Promise<void>;
  /**
   * Deletes a drive by its id, or a node by its node-name.
   *
   * @throws BlockError when it does not exist or is in use
   */
  deleteDrive(name: string): Promise<void>;
  /** What `query-block` returns. */
  devices(): Promise<readonly BlockInfo[]>;
  /** What `query-named-block-nodes` returns. */
  nodes(): Promise<readonly BlockDeviceInfo[]>;
}

/**
 * The command that runs a line of the human monitor. As the reference does, it returns what would be printed, failures
 * included.
 */
export function humanMonitorCommands(monitor: HumanMonitor) {
  return {
    async 'human-monitor-command'({ 'command-line': line }): Promise<string> {
      const printed: string[] = [];
      try {
        const read = readHumanLine(line, humanCommands);
        await read?.command.run(read, monitor, (text) => printed.push(text));
      } catch (error) {
        if (!isQmpFailure(error) && !(error instanceof OptionError)) throw error;
        printed.push(error.message);
      }
      // The reference's monitor is made for terminals.
      return printed.map((text) => `${text}\n`.replaceAll('\n', '\r\n')).join('');
    },
  } satisfies Partial<BlockHandlers>;
}

interface HumanCommand extends HumanSyntax {
  /** How it is written, and what it is for. */
  readonly help: string;
  run(line: HumanLine<HumanCommand>, monitor: HumanMonitor, print: (text: string) => void): Promise<void> | void;
}

const driveAddHelp = `drive_add [-n] [[<domain>:]<bus>:]<slot>
[file=file][,if=type][,bus=n]
[,unit=m][,media=d][,index=i]
[,cyls=c,heads=h,secs=s[,trans=t]]
[,snapshot=on|off][,cache=mode]
[,readonly=on|off][,copy-on-read=on|off] -- add a drive, or with -n a node; the slot is ignored`;

const humanCommands: readonly HumanCommand[] = [
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
    name: 'help',
    flags: '',
    least: 0,
    most: 2,
    help: 'help [command] -- explain commands',
    run: ({ words }, _, print) => help(words.join(' '), print),
  },
  {
    name: 'info block',
    flags: 'nv',
    least: 0,
    most: 1,
    help: 'info block [-n] [-v] [device] -- tell of devices, with -n of nodes, with -v in detail',
    run: ({ flags, words: [name] }, monitor, print) =>
      info(monitor, { ofNodes: flags.has('n'), verbose: flags.has('v'), name }, print),
  },
  {
    name: 'info',
    flags: '',
    least: 0,
    most: 9,
    help: 'info subject -- tell of a subject',
    run: ({ words }, _, print) => help(['info', ...words].join(' '), print),
  },
];

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
  if (!options.has('node-name')) throw new BlockError("'node-name' is missing: nothing could refer to the node");
  await monitor.addNode(options);
}

function help(name: string, print: (text: string) => void): void {
  const about = humanCommands.filter((command) => name === '' || `${command.name} `.startsWith(`${name} `));
  if (about.length === 0) throw new BlockError(`unknown command: '${name}'`);
  for (const command of about) print(command.help);
}

async function info(
  monitor: HumanMonitor,
  { ofNodes, verbose, name }: { ofNodes: boolean; verbose: boolean; name: string | undefined },
  print: (text: string) => void,
): Promise<void> {
  const descriptions = ofNodes
    ? (await monitor.nodes())
        .filter((node) => name === undefined || node['node-name'] === name)
        .map((node) => describeNode(node, verbose))
    : (await monitor.devices())
        .filter(({ device }) => name === undefined || device === name)
        .map((device) => describeDevice(device, verbose));
  if (descriptions.length > 0) print(descriptions.join('\n\n'));
}
