import { checkSchema } from '../generator/schema/load.js';
import { type Diagnostic, isError } from '../generator/text/diagnostic.js';
import { githubAnnotation } from '../generator/text/report/github.js';
import { type DiagnosticJson, diagnosticAsJson } from '../generator/text/report/json.js';
import { countOf, pretty } from '../generator/text/report/pretty.js';
import type { Host } from './host.js';
import { inputOf } from './input.js';
import { choiceOption, dialectNamed, dialectOption } from './options.js';
import { coloursFor } from './report.js';
import { exitCodes, type Subcommand } from './subcommand.js';

const formats = ['pretty', 'json', 'github'] as const;

interface CheckOptions {
  readonly dialect?: string;
  readonly format: (typeof formats)[number];
}

/** What `--format json` prints. */
interface CheckJson {
  files: { file: string; ok: boolean; diagnostics: DiagnosticJson[] }[];
}

/** A root schema, and what is wrong with it. */
interface Checked {
  readonly file: string;
  readonly diagnostics: readonly Diagnostic[];
}

/** `qapi-ts check`. */
export const check: Subcommand = {
  declare(command) {
    command
      .description('Reports everything that is wrong with schemas. Each root schema is checked by itself.')
      .argument('[schema...]', 'root schemas; - for standard input; without any, the one that the configuration names')
      .addOption(dialectOption())
      .addOption(choiceOption('--format <format>', 'how to report', formats).default('pretty'))
      .addHelpText('after', examples);
  },
  async run(command, host) {
    const { dialect, format } = command.opts<CheckOptions>();
    const results: Checked[] = [];
    for (const schema of command.args.length > 0 ? command.args : [undefined]) {
      results.push(await checkOne(schema, dialect, host));
    }
    print[format](results, host);
    return results.every(isOk) ? exitCodes.ok : exitCodes.problems;
  },
};

const examples = `
Examples:
  $ qapi-ts check qapi/qapi-schema.json
  $ qapi-ts check --dialect 9.0 qapi/qapi-schema.json qga/qapi-schema.json
  $ qapi-ts check --format json schema.json | jq '.files[].diagnostics[].message'
  $ generate-schema | qapi-ts check -`;

async function checkOne(schema: string | undefined, dialect: string | undefined, host: Host): Promise<Checked> {
  const input = await inputOf(schema, host);
  const diagnostics = await checkSchema(input.schema, {
    dialect: dialectNamed(dialect ?? input.config.dialect),
    host: input.files,
    examples: true,
  });
  return { file: input.schema, diagnostics };
}

function isOk({ diagnostics }: Checked): boolean {
  return !diagnostics.some(isError);
}

const print: Readonly<Record<CheckOptions['format'], (results: readonly Checked[], host: Host) => void>> = {
  pretty(results, { stdout, env }) {
    const colours = coloursFor(stdout, env);
    for (const { file, diagnostics } of results) {
      for (const diagnostic of diagnostics) stdout.write(`${pretty(diagnostic, colours)}\n`);
      stdout.write(`${file}: ${countOf(diagnostics) || 'ok'}\n`);
    }
  },
  json(results, { stdout }) {
    const files = results.map((result) => ({
      file: result.file,
      ok: isOk(result),
      diagnostics: result.diagnostics.map((diagnostic) => diagnosticAsJson(diagnostic, result.file)),
    }));
    stdout.write(`${JSON.stringify({ files } satisfies CheckJson, undefined, 2)}\n`);
  },
  github(results, { stdout }) {
    for (const { file, diagnostics } of results) {
      for (const diagnostic of diagnostics) stdout.write(`${githubAnnotation(diagnostic, file)}\n`);
    }
  },
};
