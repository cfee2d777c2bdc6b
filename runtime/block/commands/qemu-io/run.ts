import { BlockError } from '../../error.js';
import { readIoArguments } from './arguments.js';
import type { IoCommand } from './command.js';
import type { IoDisk } from './disk.js';
import { imageCommands } from './image-commands.js';
import { requestCommands } from './request-commands.js';

const commands: readonly IoCommand[] = [
  ...requestCommands,
  ...imageCommands,
  {
    name: 'help',
    options: '',
    least: 0,
    most: 1,
    usage: 'help [command]',
    help: 'explains commands',
    run: (_, { words: [name] }) =>
      commands
        .filter((each) => name === undefined || each.name === name)
        .map(({ usage, help }) => `${usage} -- ${help}`),
  },
];

/** Runs a line as the program `qemu-io` does. @returns what is printed, failures included */
export async function runIoLine(disk: IoDisk, line: string): Promise<readonly string[]> {
  const [name, ...words] = line.trim().split(/\s+/);
  if (name === undefined || name === '') return [];
  const command = commands.find((each) => each.name === name);
  if (command === undefined) return [`command "${name}" not found`];
  if (command.writes && disk.node.flags.readOnly) return ['Block node is read-only'];
  try {
    return await command.run(disk, readIoArguments(words, command));
  } catch (error) {
    if (error instanceof BlockError) return [error.message];
    throw error;
  }
}
