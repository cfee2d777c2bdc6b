import { InvalidArgumentError, Option } from 'commander';
import type { Schema } from '../generator/schema/model.js';
import { Exchange } from '../testkit/conformance/exchange.js';
import { junitReport } from '../testkit/conformance/junit.js';
import { guestAgent, qmpServer } from '../testkit/conformance/program-kind.js';
import { conforms, jsonReport, prettyReport, type Report } from '../testkit/conformance/report.js';
import { checkAgent, checkServer } from '../testkit/conformance/run.js';
import { WireWatch } from '../testkit/conformance/wire-watch.js';
import { agentInfoOf } from './agent-info.js';
import type { Host } from './host.js';
import { loadOrReport } from './load.js';
import { choiceOption, dialectOption } from './options.js';
import { connectTo, connectToAgent, introspectionOf, versionOf } from './program-client.js';
import { coloursFor } from './report.js';
import { exitCodes, type Subcommand } from './subcommand.js';

const formats = ['pretty', 'json', 'junit'] as const;

interface ConformanceOptions {
  readonly schema?: string;
  readonly dialect?: string;
  readonly format: (typeof formats)[number];
  readonly executeValid?: boolean;
  readonly agent?: boolean;
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
      .option('--agent', 'the program is a guest agent; the schema is the one of its release in qga/')
      .addOption(timeoutOption)
      .addHelpText('after', examples);
  },
  async run(command, host) {
    const { schema: named, dialect, format, timeout, agent, executeValid = false } = command.opts<ConformanceOptions>();
    const [address] = command.args as [string];
    const loaded = await loadOrReport(named, dialect, host);
    if (loaded === undefined) return exitCodes.problems;
    const { program, checks } = await (agent ? checkAgentAt : checkServerAt)(address, loaded.schema, {
      patience: timeout * 1000,
      executeValid,
    });
    const report = { program: `${program} at ${address}`, schema: named ?? 'the schema of the configuration', checks };
    host.stdout.write(print[format](report, host));
    return conforms(report) ? exitCodes.ok : exitCodes.problems;
  },
};

interface How {
  /** How long an answer may take, in milliseconds. */
  readonly patience: number;
  readonly executeValid: boolean;
}

/** What a program is, and what was checked of it. */
type Checked = Pick<Report, 'program' | 'checks'>;

async function checkServerAt(address: string, schema: Schema, { patience, executeValid }: How): Promise<Checked> {
  const wire = new WireWatch();
  const client = await connectTo(address, { onWire: wire.onWire });
  try {
    const infos = await introspectionOf(client);
    const exchange = new Exchange(client, qmpServer, patience, wire);
    const checks = await checkServer(exchange, schema, infos, wire.events, { executeValid });
    return { program: versionOf(client), checks };
  } finally {
    await client.close();
  }
}

async function checkAgentAt(address: string, schema: Schema, { patience, executeValid }: How): Promise<Checked> {
  const wire = new WireWatch();
  const client = await connectToAgent(address, { onWire: wire.onWire });
  try {
    const { version, commands } = await agentInfoOf(client);
    const exchange = new Exchange(client, guestAgent, patience, wire);
    return { program: version, checks: await checkAgent(exchange, schema, commands, { executeValid }) };
  } finally {
    await client.close();
  }
}

const timeoutOption = new Option('--timeout <seconds>', 'how long an answer may take').default(10).argParser((text) => {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= 86_400)) throw new InvalidArgumentError('expected a number of seconds, more than 0');
  return seconds;
});

const examples = `
Examples:
  $ qapi-ts conformance /run/qmp.sock --schema qapi/qapi-schema.json
  $ qapi-ts conformance localhost:4444 --schema schema.json --format junit > conformance.xml
  $ qapi-ts conformance ./test.sock --schema schema.json --execute-valid
  $ qapi-ts conformance --agent /run/qga.sock --schema qga/qapi-schema.json`;

const print: Readonly<Record<ConformanceOptions['format'], (report: Report, host: Host) => string>> = {
  pretty: (report, { stdout, env }) => prettyReport(report, coloursFor(stdout, env)),
  json: jsonReport,
  junit: junitReport,
};
