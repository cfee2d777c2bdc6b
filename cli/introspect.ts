import { introspect as introspectSchema } from '../generator/schema/introspect.js';
import { promisesShape } from '../generator/schema/introspection-shape.js';
import { newestRelease } from '../generator/syntax/releases.js';
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
    if (loaded.dialect.name === 'auto' && !promisesShape(loaded.schema)) {
      host.stderr.write(
        `note: the schema has no 'SchemaInfo', so the data has the form of release ${newestRelease}: --dialect names another\n`,
      );
    }
    host.stdout.write(`${JSON.stringify(infos, undefined, 1)}\n`);
    return exitCodes.ok;
  },
};
