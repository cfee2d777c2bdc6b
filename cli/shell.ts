import type { QmpClient } from '../runtime/qmp/client.js';
import type { ConnectOptions } from '../runtime/qmp/client-options.js';
import { type Host, isAtTerminal } from './host.js';
import { loadOrReport } from './load.js';
import { dialectOption } from './options.js';
import { connectTo, connectToAgent, explained } from './program-client.js';
import { learn, learnAgent } from './shell/knowledge.js';
import { startProgram } from './shell/started-program.js';
import { openWireFile, type WireFile } from './shell/wire-file.js';
import { exitCodes, type Subcommand } from './subcommand.js';
import { UserError } from './user-error.js';

interface ShellOptions {
  readonly schema?: string;
  readonly dialect?: string;
  readonly execute?: readonly string[];
  readonly exec?: string;
  readonly agent?: boolean;
  readonly hmp?: boolean;
  readonly pretty?: boolean;
  readonly verbose?: boolean;
  readonly log?: string;
}

/** `qapi-ts shell`. */
export const shell: Subcommand = {
  declare(command) {
    command
      .description(
        'Talks QMP with a running program: at a prompt, or in a script, which gets one line of JSON for each command and ends at ' +
          'the first that fails.',
      )
      .argument('[socket]', 'the path of a unix socket, or host:port')
      .option(
        '--exec <command>',
        'instead of a socket: start a program with a monitor of its own, and end it with the shell',
      )
      .option(
        '-x, --execute <line>',
        'execute a line and no others from standard input; once for each',
        (line: string, before: string[] | undefined) => [...(before ?? []), line],
      )
      .option(
        '--schema <schema>',
        'the root schema, for help with its documentation; by default the program describes itself',
      )
      .option('--agent', 'talk to a guest agent')
      .option('--hmp', 'every line is one of the monitor for people; without this, those that begin with !')
      .option('--pretty', 'print JSON for people in scripts, too')
      .option('-v, --verbose', 'show every request as the JSON that is sent')
      .option('--log <file>', 'append all messages to a file, with their time')
      .addOption(dialectOption())
      .addHelpText('after', examples);
  },
  async run(command, host) {
    const options = command.opts<ShellOptions>();
    const [socket] = command.args;
    const { schema: named, dialect, execute, hmp = false, pretty = false, verbose = false } = options;
    check(socket, options);
    const loaded = named === undefined ? undefined : await loadOrReport(named, dialect, host);
    if (named !== undefined && loaded === undefined) return exitCodes.problems;
    const log = options.log === undefined ? undefined : openWireFile(options.log, host.cwd);
    const { client, close } = await open(socket, options, log, host);
    try {
      const events = execute === undefined && isAtTerminal(host) ? client.events('*') : undefined;
      const knowledge = await (options.agent ? learnAgent(client, loaded?.schema) : learn(client, loaded?.schema));
      const common = { client, knowledge, hmp };
      if (events) {
        const well = await (await import('./shell/interactive.js')).interact(common, events, verbose, host);
        return well ? exitCodes.ok : exitCodes.problems;
      }
      const onRequest = verbose ? (json: string) => void host.stderr.write(`> ${json}\n`) : undefined;
      const { runScript } = await import('./shell/script.js');
      return await runScript(execute, { ...common, onRequest }, pretty, host);
    } finally {
      await close();
      log?.close();
    }
  },
};

const examples = `
Examples:
  $ qapi-ts shell /run/qmp.sock
  $ qapi-ts shell /run/qmp.sock -x query-status -x 'block_resize node-name=disk0 size=10G'
  $ qapi-ts shell /run/qmp.sock -x '!info block'
  $ qapi-ts shell --exec 'qemu-system-x86_64 -machine q35 -display none'
  $ qapi-ts shell --agent /run/qga.sock --schema qga/qapi-schema.json -x guest-get-osinfo
  $ echo query-named-block-nodes | qapi-ts shell /run/qmp.sock | jq '.[]."node-name"'`;

/**
 * Checks what belongs together.
 *
 * @throws UserError when something is missing or too much
 */
function check(socket: string | undefined, { exec, agent, hmp }: ShellOptions): void {
  if ((socket === undefined) === (exec === undefined)) {
    throw new UserError('give the address of a socket, or a program to start with --exec, and not both');
  }
  if (!agent) return;
  if (hmp) throw new UserError('a guest agent has no monitor for people: leave --hmp or --agent away');
  if (exec !== undefined) throw new UserError('--exec starts a program with a QMP monitor: leave --agent away');
}

/** Connects to the program, or starts it. */
async function open(
  socket: string | undefined,
  { exec, agent }: ShellOptions,
  log: WireFile | undefined,
  host: Host,
): Promise<{ client: QmpClient; close(): Promise<unknown> }> {
  const options: ConnectOptions = { ...(log && { onWire: log.write }) };
  if (exec !== undefined) return explained(startProgram(exec, options, host));
  const client = await (agent ? connectToAgent : connectTo)(socket as string, options);
  return { client, close: () => client.close() };
}
