import type { ReadStream } from 'node:tty';
import type { Host } from './host.js';
import { loadOrReport } from './load.js';
import { dialectOption } from './options.js';
import { connectTo, connectToAgent } from './program-client.js';
import { learn, learnAgent } from './shell/knowledge.js';
import { exitCodes, type Subcommand } from './subcommand.js';

interface ShellOptions {
  readonly schema?: string;
  readonly dialect?: string;
  readonly execute?: readonly string[];
  readonly agent?: boolean;
}

/** `qapi-ts shell`. */
export const shell: Subcommand = {
  declare(command) {
    command
      .description(
        'Talks QMP with a running program: at a prompt, or in a script, which gets one line of JSON for each command and ends at ' +
          'the first that fails.',
      )
      .argument('<socket>', 'the path of a unix socket, or host:port')
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
      .addOption(dialectOption())
      .addHelpText('after', examples);
  },
  async run(command, host) {
    const { schema: named, dialect, execute, agent = false } = command.opts<ShellOptions>();
    const loaded = named === undefined ? undefined : await loadOrReport(named, dialect, host);
    if (named !== undefined && loaded === undefined) return exitCodes.problems;
    const address = command.args[0] as string;
    const client = await (agent ? connectToAgent(address) : connectTo(address));
    try {
      const events = execute === undefined && isAtTerminal(host) ? client.events('*') : undefined;
      const knowledge = await (agent ? learnAgent(client, loaded?.schema) : learn(client, loaded?.schema));
      const well = events
        ? await (await import('./shell/interactive.js')).interact(client, events, knowledge, host)
        : await (await import('./shell/script.js')).runScript(execute, client, knowledge, host);
      return well ? exitCodes.ok : exitCodes.problems;
    } finally {
      await client.close();
    }
  },
};

const examples = `
Examples:
  $ qapi-ts shell /run/qmp.sock
  $ qapi-ts shell /run/qmp.sock -x query-status -x 'block_resize node-name=disk0 size=10G'
  $ qapi-ts shell --agent /run/qga.sock --schema qga/qapi-schema.json -x guest-get-osinfo
  $ echo query-named-block-nodes | qapi-ts shell /run/qmp.sock | jq '.[]."node-name"'`;

function isAtTerminal({ stdin, stdout }: Host): boolean {
  return stdout.isTTY === true && (stdin as Partial<ReadStream>).isTTY === true;
}
