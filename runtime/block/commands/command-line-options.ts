import type { CommandLineOptionInfo } from '../../../generated/index.js';
import { BlockError } from '../error.js';
import type { BlockHandlers } from './handlers.js';
import { commandLineOptions } from './option-tables.js';

/** What tells of the command line. */
export function queryCommandLineOptions() {
  return {
    'query-command-line-options'({ option }): CommandLineOptionInfo[] {
      const names = Object.keys(commandLineOptions);
      if (option === undefined) return names.map(describe);
      if (names.includes(option)) return [describe(option)];
      throw new BlockError(`There is no option '${option}'; there are ${names.join(', ')}`, { code: 'EINVAL' });
    },
  } satisfies Partial<BlockHandlers>;
}

function describe(option: string): CommandLineOptionInfo {
  const parameters = Object.entries(commandLineOptions[option] ?? {});
  return { option, parameters: parameters.map(([name, parameter]) => ({ name, ...parameter })) };
}
