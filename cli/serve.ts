import { InvalidArgumentError, Option } from 'commander';
import { AllowedFolders } from '../runtime/block/command-line/allowed-folders.js';
import { planServer, type ServerPlan } from '../runtime/block/command-line/plan.js';
import { plannedFiles } from '../runtime/block/command-line/planned-files.js';
import { BlockError, builtInDrivers, type DriverWhitelist } from '../runtime/block/index.js';
import type { Host } from './host.js';
import { choiceOption } from './options.js';
import { aborted, endAtSecondSignal } from './serve-lifetime.js';
import { logLevels, serverLog, tellReady } from './serve-log.js';
import { type StartOptions, startServer } from './serve-start.js';
import { exitCodes, type Subcommand } from './subcommand.js';
import { UserError } from './user-error.js';

interface ServeOptions {
  readonly qmp?: readonly string[];
  readonly object?: readonly string[];
  readonly blockdev?: readonly string[];
  readonly drive?: readonly string[];
  readonly device?: readonly string[];
  readonly nbd?: readonly string[];
  readonly snapshot?: boolean;
  readonly allow?: readonly string[];
  readonly drivers?: readonly string[];
  readonly driversReadOnly?: readonly string[];
  readonly logLevel: string;
  readonly checkConfig?: boolean;
}

/** `qapi-ts serve`. */
export const serve: Subcommand = {
  declare(command) {
    command
      .description(
        'Serves disk images: opens, creates, resizes and reports them as QMP commands say, and lets NBD clients read and write them. ' +
          'What makes, attaches or allows something can be given again and again.',
      )
      .addOption(repeatable('--qmp <address>', 'take QMP clients at unix:PATH, tcp:HOST:PORT or stdio'))
      .addOption(repeatable('--object <properties>', 'add an object, such as a secret: TYPE,id=ID,…'))
      .addOption(repeatable('--blockdev <node>', 'add a node, as blockdev-add does: DRIVER,node-name=NAME,… or JSON'))
      .addOption(repeatable('--drive <drive>', "add a drive, as QEMU's -drive does: file=PATH,id=ID,…"))
      .addOption(
        repeatable('--device <device>', 'attach a device to a drive: disk|cdrom|floppy,drive=ID[,id=ID][,locked=on]'),
      )
      .addOption(
        repeatable(
          '--nbd <server>',
          'serve NBD clients: unix:PATH|tcp:HOST:PORT[,device=ID|node=NAME][,export=NAME][,writable=on]',
        ),
      )
      .option('--snapshot', 'keep what is written to drives in temporary files, unless they say snapshot=off')
      .addOption(repeatable('--allow <folder>', 'use no files but those in this folder'))
      .addOption(names('--drivers <names>', 'use no drivers but these'))
      .addOption(names('--drivers-read-only <names>', 'use no drivers but these, and these for reading only'))
      .addOption(choiceOption('--log-level <level>', 'how much to tell on standard error', logLevels).default('info'))
      .option('--check-config', 'only tell what is wrong with the options; open nothing')
      .addHelpText('after', examples);
  },
  async run(command, host) {
    const options = command.opts<ServeOptions>();
    const whitelist: DriverWhitelist = {
      readWrite: options.drivers ?? [],
      readOnly: options.driversReadOnly ?? [],
    };
    const allowed = options.allow === undefined ? undefined : await allowedFolders(options.allow);
    const authorize = allowed && ((path: string) => allowed.authorize(path));
    const plan = await readPlan(options, { whitelist, authorize }, host);
    if (plan === undefined) return exitCodes.problems;
    if (options.checkConfig) {
      host.stdout.write('The configuration is valid.\n');
      return exitCodes.ok;
    }
    return serveUntilEnded({ plan, whitelist, authorize, host, log: serverLog(host.stderr, options.logLevel) });
  },
};

const examples = `
Examples:
  $ qapi-ts serve --qmp unix:qmp.sock
  $ qapi-ts serve --qmp stdio --blockdev qcow2,node-name=d0,file.driver=file,file.filename=a.qcow2
  $ qapi-ts serve --drive file=a.qcow2,id=d0 --nbd unix:nbd.sock,device=d0,writable=on
  $ qapi-ts serve --qmp tcp::4444 --drive if=ide,media=cdrom,id=cd0 --allow /srv/images`;

/** An option that can be given several times. */
function repeatable(flags: string, description: string): Option {
  return new Option(flags, description).argParser((value: string, before?: string[]) => [...(before ?? []), value]);
}

/** An option that takes names of drivers. */
function names(flags: string, description: string): Option {
  return new Option(flags, `${description} (separated by commas)`).argParser((value: string, before?: string[]) => {
    const drivers = builtInDrivers();
    const given = value.split(',').map((name) => name.trim());
    for (const name of given) {
      try {
        drivers.named(name);
      } catch (error) {
        throw error instanceof BlockError ? new InvalidArgumentError(error.message) : error;
      }
    }
    return [...(before ?? []), ...given];
  });
}

async function allowedFolders(folders: readonly string[]): Promise<AllowedFolders> {
  try {
    return await AllowedFolders.of(folders);
  } catch (error) {
    throw error instanceof BlockError ? new UserError(`--allow: ${error.message}`, { cause: error }) : error;
  }
}

/** What the options ask for; nothing when something is wrong with them, which has been told then. */
async function readPlan(
  options: ServeOptions,
  { whitelist, authorize }: Pick<StartOptions, 'whitelist' | 'authorize'>,
  { stderr }: Host,
): Promise<ServerPlan | undefined> {
  const { plan, problems } = planServer(options, { drivers: builtInDrivers(), whitelist });
  const all = [...problems];
  for (const { option, config: file } of plannedFiles(plan)) {
    await authorize?.(file).catch(({ message }: BlockError) => all.push({ option, message }));
  }
  for (const { option, message } of all) stderr.write(`error: ${option}: ${message}\n`);
  if (options.qmp === undefined && options.nbd === undefined) {
    stderr.write('error: nobody could talk to the server\ngive it a --qmp or an --nbd to listen at\n');
    return undefined;
  }
  return all.length === 0 ? plan : undefined;
}

async function serveUntilEnded(start: Omit<StartOptions, 'signal'>): Promise<number> {
  const { host, log } = start;
  const signal = host.catchInterrupt();
  const calmDown = endAtSecondSignal(signal);
  let stopping = false;
  const tellStopping = (): void => {
    if (!stopping) log.info('stopping');
    stopping = true;
  };
  const interrupted = aborted(signal).then(tellStopping);
  log.debug('starting');
  try {
    const server = await startServer({ ...start, signal }).catch((error: unknown) => {
      if (signal.aborted && error === signal.reason) return undefined;
      throw error;
    });
    if (server === undefined) return exitCodes.interrupted;
    tellReady(log, server.places);
    await Promise.race([server.ended, interrupted]);
    tellStopping();
    const well = await server.close();
    log.info('stopped');
    return well ? exitCodes.ok : exitCodes.problems;
  } finally {
    calmDown();
  }
}
