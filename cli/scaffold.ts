import { existsSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { Argument } from 'commander';
import type { Command } from '../generator/schema/model.js';
import { builtinCommands } from '../runtime/qmp/server/builtins.js';
import { newHandlers } from '../upgrade/scaffold/skeleton.js';
import { HandlersError, type UpdatedHandlers, updateHandlers } from '../upgrade/scaffold/update.js';
import { count } from './generate-summary.js';
import type { Host } from './host.js';
import { loadOrReport } from './load.js';
import { dialectOption } from './options.js';
import { exitCodes, type Subcommand } from './subcommand.js';
import { requireTsMorph } from './ts-morph.js';
import { UserError } from './user-error.js';
import { textToChange, writeAllOrNone } from './write-files.js';

interface ScaffoldOptions {
  readonly schema?: string;
  readonly output: string;
  readonly generated: string;
  readonly runtime: string;
  readonly dialect?: string;
}

/** `qapi-ts scaffold`. */
export const scaffold: Subcommand = {
  declare(command) {
    command
      .description(
        'Writes skeletons of the handlers that a QMP server has for the commands of a schema. Run again after a change of the\n' +
          'schema, it adds what is new, marks what is gone, and touches nothing else. Then it needs ts-morph.',
      )
      .addArgument(new Argument('<what>', 'what to write').choices(['server']))
      .option('--schema <file>', 'the root schema; without it, the one that the configuration names')
      .option('-o, --output <file>', 'the file of handlers', 'handlers.ts')
      .option('--generated <specifier>', 'how that file imports the generated code', './generated/index.js')
      .option('--runtime <specifier>', 'how it imports the runtime', 'qapi-ts/runtime')
      .addOption(dialectOption())
      .addHelpText('after', examples);
  },
  async run(command, host) {
    const options = command.opts<ScaffoldOptions>();
    const loaded = await loadOrReport(options.schema, options.dialect, host);
    if (!loaded) return exitCodes.problems;
    const own = new Set<string>(builtinCommands);
    const commands = loaded.schema.definitions.filter(
      (definition): definition is Command => definition.kind === 'command' && !own.has(definition.name),
    );
    const path = resolve(host.cwd, options.output);
    const name = relative(host.cwd, path);
    if (!existsSync(path)) {
      if (!existsSync(dirname(path))) throw new UserError(`there is no folder ${relative(host.cwd, dirname(path))}`);
      writeAllOrNone([{ path, text: newHandlers(commands, options) }]);
      host.stdout.write(`${name}: ${count(commands.length, 'handler')} written\n`);
      return exitCodes.ok;
    }
    const before = textToChange(path, name);
    const after = await update(before, commands, options, host);
    if (after.text !== before) writeAllOrNone([{ path, text: after.text }]);
    host.stdout.write(`${name}: ${summary(after)}\n`);
    return exitCodes.ok;
  },
};

const examples = `
Examples:
  $ qapi-ts scaffold server --schema qapi/qapi-schema.json -o src/handlers.ts
  $ qapi-ts scaffold server -o src/handlers.ts       (with a qapi-ts.config.json, .ts or .js)`;

async function update(
  text: string,
  commands: readonly Command[],
  options: ScaffoldOptions,
  host: Host,
): Promise<UpdatedHandlers> {
  const { ts } = await requireTsMorph(host);
  try {
    return updateHandlers(ts, text, commands, builtinCommands, options);
  } catch (error) {
    if (!(error instanceof HandlersError)) throw error;
    const hint = 'nothing has been changed; name another file with -o to start anew';
    throw new UserError(`${options.output} cannot be updated: ${error.message}`, { hint });
  }
}

function summary({ added, gone, back }: UpdatedHandlers): string {
  const parts = [
    ...(added.length > 0 ? [`${count(added.length, 'handler')} added (${added.join(', ')})`] : []),
    ...(gone.length > 0 ? [`${count(gone.length, 'handler')} marked as gone (${gone.join(', ')})`] : []),
    ...(back.length > 0 ? [`${count(back.length, 'handler')} not gone any more (${back.join(', ')})`] : []),
  ];
  return parts.length === 0 ? 'current' : parts.join('; ');
}
