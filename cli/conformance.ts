import { InvalidArgumentError, Option } from 'commander';
import { Exchange } from '../testkit/conformance/exchange.js';
import { junitReport } from '../testkit/conformance/junit.js';
import { conforms, jsonReport, prettyReport, type Report } from '../testkit/conformance/report.js';
import { checkConformance } from '../testkit/conformance/run.js';
import type { Host } from './host.js';
import { loadOrReport } from './load.js';
import { choiceOption, dialectOption } from './options.js';
import { connectTo, introspectionOf, versionOf } from './program-client.js';
import { coloursFor } from './report.js';
import { exitCodes, type Subcommand } from './subcommand.js';

const formats = ['pretty', 'json', 'junit'] as const;

interface ConformanceOptions {
  readonly schema?: string;
  readonly dialect?: string;
  readonly format: (typeof formats)[number];
  readonly executeValid?: boolean;
  readonly timeout: number;
}

/** `qapi-ts conformance`. */
export const conformance: Subcommand = {
  declare(command) {
    command
      .description(
        'Checks whether a running program speaks what a schema says: its introspection, the replies of its queries, and how it ' +
          'refuses wrong arguments. Nothing is changed in a program that conforms.',
      )
      .argument('<socket>', 'the path of a unix socket, or host:port')
      .option('--schema <schema>', 'the root schema; without it, the one that the configuration names')
      .addOption(dialectOption())
      .addOption(choiceOption('--format <format>', 'how to report', formats).default('pretty'))
      .option('--execute-valid', 'also execute every command with valid arguments, whatever that does to the program')
      .addOption(timeoutOption)
      .addHelpText('after', examples);
  },
  async run(command, host) {
    const { schema: named, dialect, format, timeout, executeValid = false } = command.opts<ConformanceOptions>();
    const [address] = command.args as [string];
    const loaded = await loadOrReport(named, dialect, host);
    if (loaded === undefined) return exitCodes.problems;
    const exchange = await Exchange.open((options) => connectTo(address, options), timeout * 1000);
    try {
      const report = {
        program: `${versionOf(exchange.client)} at ${address}`,
        schema: named ?? 'the schema of the configuration',
        checks: await checkConformance(exchange, loaded.schema, await introspectionOf(exchange.client), {
          executeValid,
        }),
      };
      host.stdout.write(print[format](report, host));
      return conforms(report) ? exitCodes.ok : exitCodes.problems;
    } finally {
      await exchange.client.close();
    }
  },
};

const timeoutOption = new Option('--timeout <seconds>', 'how long an answer may take').default(10).argParser((text) => {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= 86_400)) throw new InvalidArgumentError('expected a number of seconds, more than 0');
  return seconds;
});

const examples = `
Examples:
  $ qapi-ts conformance /run/qmp.sock --schema qapi/qapi-schema.json
  $ qapi-ts conformance localhost:4444 --schema schema.json --format junit > conformance.xml
  $ qapi-ts conformance ./test.sock --schema schema.json --execute-valid`;

const print: Readonly<Record<ConformanceOptions['format'], (report: Report, host: Host) => string>> = {
  pretty: (report, { stdout, env }) => prettyReport(report, coloursFor(stdout, env)),
  json: jsonReport,
  junit: junitReport,
};
