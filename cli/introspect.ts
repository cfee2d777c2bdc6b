import { introspect as introspectSchema } from '../generator/schema/introspect.js';
import { loadOrReport } from './load.js';
import { dialectOption } from './options.js';
import { exitCodes, type Subcommand } from './subcommand.js';

interface IntrospectOptions {
  readonly dialect?: string;
  readonly mask?: boolean;
}

/** `qapi-ts introspect`. */
export const introspect: Subcommand = {
  declare(command) {
    command
      .description(
        'Prints what query-qmp-schema returns for a schema, as JSON: every command and event, and the types that they use.',
      )
      .argument('[schema]', 'the root schema; - for standard input')
      .option('--mask', 'replace type names by numbers, as a running QEMU does')
      .addOption(dialectOption())
      .addHelpText(
        'after',
        '\nExamples:\n  $ qapi-ts introspect qapi/qapi-schema.json\n  $ qapi-ts introspect --mask --dialect 9.0 -',
      );
  },
  async run(command, host) {
    const { dialect, mask = false } = command.opts<IntrospectOptions>();
    const loaded = await loadOrReport(command.args[0], dialect, host);
    if (loaded === undefined) return exitCodes.problems;
    const infos = introspectSchema(loaded.schema, { mask, dialect: loaded.dialect });
    host.stdout.write(`${JSON.stringify(infos, undefined, 1)}\n`);
    return exitCodes.ok;
  },
};
