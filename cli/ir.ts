import { modelAsJson } from '../generator/schema/ir.js';
import { loadOrReport } from './load.js';
import { dialectOption } from './options.js';
import { exitCodes, type Subcommand } from './subcommand.js';

/** `qapi-ts ir`. */
export const ir: Subcommand = {
  declare(command) {
    command
      .description(
        'Prints the checked model of a schema as JSON: its modules, and their entities in order of definition.',
      )
      .argument('[schema]', 'the root schema; - for standard input')
      .addOption(dialectOption())
      .addHelpText('after', '\nExamples:\n  $ qapi-ts ir qapi/qapi-schema.json > model.json');
  },
  async run(command, host) {
    const loaded = await loadOrReport(command.args[0], command.opts<{ dialect?: string }>().dialect, host);
    if (loaded === undefined) return exitCodes.problems;
    host.stdout.write(`${JSON.stringify(modelAsJson(loaded.schema), undefined, 1)}\n`);
    return exitCodes.ok;
  },
};
