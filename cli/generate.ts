import { relative, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Command } from 'commander';
import type { EmitOptions } from '../generator/emit/options.js';
import { checkFiles } from '../generator/emit/output/check.js';
import { OutputError } from '../generator/emit/output/folder.js';
import { writeFiles } from '../generator/emit/output/write.js';
import type { GeneratedFile } from '../generator/emit/target.js';
import { generate as emit, targetNames } from '../generator/emit/generate.js';
import type { Schema } from '../generator/schema/model.js';
import { selectSchema } from '../generator/schema/select.js';
import type { FileHost } from '../generator/syntax/host.js';
import { isError } from '../generator/text/diagnostic.js';
import { checkSchema } from '../generator/schema/load.js';
import type { Host } from './host.js';
import { inputOf } from './input.js';
import { choiceOption, choicesOption, defineOption, dialectOption, importExtensions, int64Modes } from './options.js';
import { exitCodes, type Subcommand } from './program.js';
import { printDiagnostics } from './report.js';
import { UserError } from './user-error.js';

interface GenerateOptions {
  readonly output?: string;
  readonly check?: boolean;
  readonly watch?: boolean;
  readonly dialect?: string;
  readonly target?: readonly string[];
  readonly int64?: EmitOptions['int64'];
  readonly importExtension?: EmitOptions['importExtension'];
  readonly runtimeImport?: string;
  readonly define?: Readonly<Record<string, boolean>>;
  readonly onlyDefined?: boolean;
  readonly openEnums?: boolean;
}

/** `qapi-ts generate`. */
export const generate: Subcommand = {
  declare(command) {
    command
      .description('Writes TypeScript for a schema: one folder for each of its modules.')
      .argument('[schema]', 'the root schema; without it, the one that the configuration names')
      .option('-o, --output <folder>', 'the folder to write')
      .option('--check', 'write nothing; fail, with a diff, unless the output is current')
      .option('--watch', 'go on, and write what changes whenever the schema does')
      .addOption(dialectOption())
      .addOption(choicesOption('--target <names>', 'generate only some targets', targetNames))
      .addOption(choiceOption('--int64 <mode>', 'how 64-bit integers appear', int64Modes))
      .addOption(choiceOption('--import-extension <extension>', 'in imports of generated files', importExtensions))
      .option('--runtime-import <specifier>', 'where generated code imports the runtime from')
      .addOption(defineOption())
      .option('--only-defined', 'take all other configuration symbols for off')
      .option('--open-enums', 'let what only the server sends hold enum values that the schema does not know')
      .addHelpText('after', examples);
  },
  run: async (command, host) => {
    const [schema] = command.args;
    const options = command.opts<GenerateOptions>();
    if (options.check && options.watch) throw new UserError('--check and --watch exclude each other');
    const job = await jobFor(schema, options, host);
    if (options.watch) return (await import('./watch.js')).watch(job, host);
    return options.check ? compare(job, host) : write(job, host);
  },
};

const examples = `
Examples:
  $ qapi-ts generate qapi/qapi-schema.json -o src/generated
  $ qapi-ts generate qapi/qapi-schema.json -o src/generated --check
  $ qapi-ts generate schema.json -o types --target types --int64 bigint
  $ qapi-ts generate schema.json -o src/generated --define CONFIG_LINUX --define CONFIG_WIN32=off
  $ qapi-ts generate --watch           (with a qapi-ts.config.json, .ts or .js)`;
