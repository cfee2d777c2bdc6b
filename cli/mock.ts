import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import { parseJson } from '../runtime/json/parse.js';
import { stringify } from '../runtime/json/stringify.js';
import { isJsonObject, type JsonValue } from '../runtime/json/value.js';
import { ListenError } from '../runtime/qmp/server/listen.js';
import type { ServerVersion } from '../runtime/qmp/server/server.js';
import { parseSocketPlace } from '../runtime/qmp/server/socket-place.js';
import type { MockAddress } from '../testkit/mock/door.js';
import { type MockQmp, mockQmp } from '../testkit/mock/mock.js';
import type { Host } from './host.js';
import { loadOrReport } from './load.js';
import { dialectOption } from './options.js';
import { exitCodes, type Subcommand } from './subcommand.js';
import { UserError } from './user-error.js';

interface MockCommandOptions {
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
        'Runs a QMP server for tests that answers every command of a schema with values that the schema allows, until it is ' +
          'interrupted or sent quit.',
      )
      .argument('[schema]', 'the root schema; without it, the one that the configuration names')
      .addOption(dialectOption())
      .addOption(listenOption)
      .addOption(seedOption)
      .addOption(releaseOption)
      .option(
        '--replies <file>',
        'JSON: what some commands are answered with, {"stop": {"return": {}}} or {"error": …}',
      )
      .option('--refuse', 'answer a command that --replies does not have with an error, and exit with 1')
      .option('--print-commands', 'print every command that comes, as a line of JSON')
      .addHelpText('after', examples);
  },
  async run(command, host) {
    const options = command.opts<MockCommandOptions>();
    const loaded = await loadOrReport(command.args[0], options.dialect, host);
    if (loaded === undefined) return exitCodes.problems;
    const signal = host.catchInterrupt();
    const { listen, seed, release, refuse, printCommands } = options;
    const server = await mockQmp(loaded.schema, {
      ...(listen !== undefined && { listen }),
      ...(seed !== undefined && { seed }),
      ...(release && { version: release }),
      unhandled: refuse ? 'refuse' : 'answer',
      ...(printCommands && {
        onCall: (call) =>
          host.stdout.write(`${stringify({ execute: call.command, arguments: call.arguments as JsonValue })}\n`),
      }),
    }).catch((error: unknown) => {
      throw error instanceof ListenError ? new UserError(error.message, { cause: error }) : error;
    });
    try {
      if (options.replies !== undefined) await reply(server, options.replies, host);
      host.stderr.write(`QMP clients: ${server.address}\n`);
      await Promise.race([server.closed, signal.aborted || once(signal, 'abort')]);
    } finally {
      await server.close();
    }
    return verdict(server, host);
  },
};

/** What the server says of how it was used. */
function verdict(server: MockQmp, host: Host): number {
  try {
    server.verify();
    return exitCodes.ok;
  } catch (error) {
    host.stderr.write(`${(error as Error).message}\n`);
    return exitCodes.problems;
  }
}

/** Has commands answered as a file says. */
async function reply(server: MockQmp, file: string, host: Host): Promise<void> {
  const replies = await readJson(file, host);
  if (!isJsonObject(replies)) throw new UserError(`${file}: expected an object, with a member for each command`);
  for (const [command, answer] of Object.entries(replies)) {
    const { return: value, error }: Partial<Record<string, JsonValue>> = isJsonObject(answer) ? answer : {};
    try {
      if (isJsonObject(error) && typeof error.class === 'string') {
        server.when(command).replyError(error.class, typeof error.desc === 'string' ? error.desc : undefined);
      } else if (value !== undefined) {
        // A command that returns nothing returns an empty object.
        const isEmpty = isJsonObject(value) && Object.keys(value).length === 0;
        if (isEmpty && !server.returns(command)) server.when(command).reply();
        else server.when(command).reply(value);
      } else {
        throw new TypeError('expected {"return": …} or {"error": {"class": …, "desc": …}}');
      }
    } catch (problem) {
      throw new UserError(`${file}: ${command}: ${(problem as Error).message}`, { cause: problem });
    }
  }
}

async function readJson(file: string, host: Host): Promise<JsonValue> {
  try {
    return parseJson(await readFile(resolve(host.cwd, file), 'utf8'));
  } catch (error) {
    throw new UserError(`${file}: ${(error as Error).message}`, { cause: error });
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

const releaseOption = new Option('--release <version>', 'the version in the greeting, such as 10.1.0').argParser(
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
  $ qapi-ts mock schema.json --replies replies.json --refuse --print-commands`;
