import { basename } from 'node:path';
import { pageFolder } from '../generator/emit/output/kinds.js';
import { writeFiles } from '../generator/emit/output/write.js';
import { documentationSite } from '../generator/emit/site/site.js';
import { Dialect } from '../generator/syntax/dialect.js';
import { readSide } from './diff/sides.js';
import { changesText, count, seconds, withOutput } from './generate-summary.js';
import { loadOrReport } from './load.js';
import { dialectOption } from './options.js';
import { outputFolder } from './output-folder.js';
import { exitCodes, type Subcommand } from './subcommand.js';

interface DocsOptions {
  readonly output?: string;
  readonly title?: string;
  readonly diff?: string;
  readonly dialect?: string;
}

/** The older schema is mostly that of another release. */
const anyRelease = { dialect: Dialect.auto, selection: undefined };

/** `qapi-ts docs`. */
export const docs: Subcommand = {
  declare(command) {
    command
      .description('Writes the reference of a schema as pages for a browser, which need no server and no network.')
      .argument('[schema]', 'the root schema; without it, the one that the configuration names')
      .option('-o, --output <folder>', 'the folder to write')
      .option('--title <text>', 'the heading of the pages')
      .option('--diff <old>', 'mark what is new, changed or gone since another schema, or introspection data')
      .addOption(dialectOption())
      .addHelpText('after', examples);
  },
  async run(command, host) {
    const { output, title, diff, dialect } = command.opts<DocsOptions>();
    const folder = outputFolder(output, host);
    const named = command.args[0];
    const loaded = await loadOrReport(named, dialect, host);
    if (!loaded) return exitCodes.problems;
    const old = diff === undefined ? undefined : await readSide(diff, anyRelease, host);
    if (diff !== undefined && !old) return exitCodes.problems;
    const { file, schema } = loaded;
    const pages = documentationSite(schema, { title: title ?? `${basename(file, '.json')} reference`, old });
    const result = withOutput(() => writeFiles(folder.path, pages, pageFolder));
    const took = seconds(performance.now());
    host.stdout.write(`${file}: ${folder.name}: ${count(pages.length, 'file')} (${changesText(result)}) in ${took}\n`);
    return exitCodes.ok;
  },
};

const examples = `
Examples:
  $ qapi-ts docs qapi/qapi-schema.json -o reference
  $ qapi-ts docs qemu-10.1/qapi/qapi-schema.json -o reference --title "QEMU 10.1" --diff qemu-9.0/qapi/qapi-schema.json`;
