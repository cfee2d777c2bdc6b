import { isQmpFailure } from '../../../qmp/error.js';
import { OptionError } from '../../../visit/option-error.js';
import type { BlockHandlers } from '../handlers.js';
import type { HumanCommand, HumanMonitor } from './command.js';
import { driveLines } from './drive-lines.js';
import { infoLines } from './info-lines.js';
import { jobLines } from './job-lines.js';
import { readHumanLine } from './line.js';
import { snapshotLines } from './snapshot-lines.js';

/**
 * The command that runs a line of the human monitor. As the reference does, it returns what would be printed, failures
 * included.
 */
export function humanMonitorCommands(monitor: HumanMonitor) {
  return {
    async 'human-monitor-command'({ 'command-line': line }): Promise<string> {
      const printed: string[] = [];
      // A line that cannot be read is answered with how it is written, and a command that fails with an error.
      let prefix = '';
      try {
        const read = readHumanLine(line, humanCommands);
        prefix = 'Error: ';
        await read?.command.run(read, monitor, (text) => printed.push(text));
      } catch (error) {
        if (!isQmpFailure(error) && !(error instanceof OptionError)) throw error;
        printed.push(prefix + error.message);
      }
      // The reference's monitor is made for terminals.
      return printed.map((text) => `${text}\n`.replaceAll('\n', '\r\n')).join('');
    },
  } satisfies Partial<BlockHandlers>;
}

const humanCommands: readonly HumanCommand[] = [
  ...driveLines,
  ...jobLines,
  ...snapshotLines,
  {
    name: 'help',
    flags: '',
    least: 0,
    most: 2,
    help: 'help [command] -- explain commands',
    run: ({ words }, _, print) => help(words.join(' '), print),
  },
  ...infoLines,
  {
    name: 'info',
    flags: '',
    least: 0,
    most: 9,
    help: 'info subject -- show something',
    run: ({ words }, _, print) => help(['info', ...words].join(' '), print),
  },
  {
    name: 'qemu-io',
    flags: 'd',
    least: 2,
    most: 2,
    help: 'qemu-io device "command" -- do I/O on a device or node as the program qemu-io does; "help" lists its commands',
    async run({ words: [name = '', line = ''] }, monitor, print) {
      for (const text of await monitor.io(name, line)) print(text);
    },
  },
];

function help(name: string, print: (text: string) => void): void {
  const about = humanCommands.filter((command) => name === '' || `${command.name} `.startsWith(`${name} `));
  if (about.length === 0) print(`unknown command: '${name}'`);
  for (const command of about) print(command.help);
}
