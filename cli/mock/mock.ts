import { once } from 'node:events';
import { InvalidArgumentError, Option } from 'commander';
import type { Schema } from '../../generator/schema/model.js';
import { stringify } from '../../runtime/json/stringify.js';
import type { JsonValue } from '../../runtime/json/value.js';
import { ListenError } from '../../runtime/qmp/server/listen-error.js';
import type { ServerVersion } from '../../runtime/qmp/server/server.js';
import { parseSocketPlace } from '../../runtime/qmp/server/socket-place.js';
import { type MockAgent, mockAgent } from '../../testkit/mock/agent.js';
import type { MockAddress } from '../../testkit/mock/door.js';
import { type MockQmp, mockQmp } from '../../testkit/mock/mock.js';
import type { ScriptedOptions } from '../../testkit/mock/scripted.js';
import type { Host } from '../host.js';
import { loadOrReport } from '../load.js';
import { dialectOption } from '../options.js';
import { exitCodes, type Subcommand } from '../subcommand.js';
import { UserError } from '../user-error.js';
import { readReplies, setReplies } from './replies.js';

interface MockCommandOptions {
  readonly agent?: boolean;
  readonly dialect?: string;
  readonly listen?: MockAddress;
  readonly seed?: number;
  readonly release?: ServerVersion;
  readonly replies?: string;
  readonly refuse?: boolean;
  readonly printCommands?: boolean;
}

/** `qapi-ts mock`. */
export const mock: Subcommand = {
  declare(command) {
    command
      .description(
        'Runs a server for tests that answers every command of a schema with values that the schema allows, and runs the jobs that they ' +
          'start: a QEMU, or a guest agent. It ends when it is interrupted or sent quit.',
      )
      .argument('[schema]', 'the root schema; without it, the one that the configuration names')
      .addOption(dialectOption())
      .option('--agent', 'be a guest agent: no greeting, no events, guest-sync')
      .addOption(listenOption)
      .addOption(seedOption)
      .addOption(releaseOption)
      .option(
        '--replies <file>',
        'JSON: what some commands are answered with, {"stop": {"return": {}}} or {"error": …}, or how their jobs go, {"job": …}',
      )
      .option('--refuse', 'answer a command that --replies does not have with an error, and exit with 1')
      .option('--print-commands', 'print every command that comes, as a line of JSON')
      .addHelpText('after', examples);
  },
  async run(command, host) {
    const options = command.opts<MockCommandOptions>();
    const loaded = await loadOrReport(command.args[0], options.dialect, host);
    if (loaded === undefined) return exitCodes.problems;
    const { replies: file } = options;
    const replies = file === undefined ? {} : await readReplies(file, host);
    const signal = host.catchInterrupt();
    const server = await started(loaded.schema, options, host);
    const closed = 'closed' in server ? server.closed : new Promise<void>(() => {});
    try {
      if (file !== undefined) setReplies(server, replies, file);
      host.stderr.write(`${options.agent ? 'agent' : 'QMP'} clients: ${server.address}\n`);
      await Promise.race([closed, signal.aborted || once(signal, 'abort')]);
    } finally {
      await server.close();
    }
    return verdict(server, host);
  },
};

async function started(
  schema: Schema,
  { agent, listen, seed, release, refuse, printCommands }: MockCommandOptions,
  host: Host,
): Promise<MockQmp | MockAgent> {
  const common: ScriptedOptions = {
    ...(listen !== undefined && { listen }),
    ...(seed !== undefined && { seed }),
    unhandled: refuse ? 'refuse' : 'answer',
    ...(printCommands && {
      onCall: (call) =>
        host.stdout.write(`${stringify({ execute: call.command, arguments: call.arguments as JsonValue })}\n`),
    }),
  };
  try {
    if (!agent) return await mockQmp(schema, { ...common, ...(release && { version: release }) });
    const version = release && `${release.major}.${release.minor}.${release.micro}`;
    return await mockAgent(schema, { ...common, ...(version !== undefined && { version }) });
  } catch (error) {
    throw error instanceof ListenError ? new UserError(error.message, { cause: error }) : error;
  }
}

/** What the server says of how it was used. */
function verdict(server: MockQmp | MockAgent, host: Host): number {
  try {
    server.verify();
    return exitCodes.ok;
  } catch (error) {
    host.stderr.write(`${(error as Error).message}\n`);
    return exitCodes.problems;
  }
}

const listenOption = new Option(
  '--listen <address>',
  'where to take clients: unix:PATH or tcp:HOST:PORT; without it, a unix socket in a temporary folder',
).argParser((text) => {
  if (parseSocketPlace(text) === undefined) throw new InvalidArgumentError('expected unix:PATH or tcp:HOST:PORT');
  return text;
});

const seedOption = new Option('--seed <number>', 'answer with random values, the same for the same seed').argParser(
  (text) => {
    if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('expected a number of at most nine digits');
    return Number(text);
  },
);

const releaseOption = new Option('--release <version>', 'the version that it tells, such as 10.1.0').argParser(
  (text): ServerVersion => {
    const [, major, minor, micro = '0'] = /^(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?$/.exec(text) ?? [];
    if (major === undefined) throw new InvalidArgumentError('expected a version, such as 10.1.0');
    return { major: Number(major), minor: Number(minor), micro: Number(micro) };
  },
);

const examples = `
Examples:
  $ qapi-ts mock qapi/qapi-schema.json --listen unix:qmp.sock
  $ qapi-ts mock schema.json --listen tcp:localhost:4444 --seed 7 --release 10.1.0
  $ qapi-ts mock qga/qapi-schema.json --agent --listen unix:qga.sock
  $ qapi-ts mock schema.json --replies replies.json --refuse --print-commands`;
