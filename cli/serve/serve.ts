import { InvalidArgumentError, Option } from 'commander';
import { BlockError, builtInDrivers, type DriverWhitelist } from '../../runtime/block/index.js';
import { choiceOption } from '../options.js';
import { exitCodes, type Subcommand } from '../subcommand.js';
import { UserError } from '../user-error.js';
import { AllowedFolders } from './allowed-folders.js';
import { isDaemon, startDaemon, tellForeground } from './daemon.js';
import { aborted, endAtSecondSignal, endSoon } from './lifetime.js';
import { logLevels, serverLog, tellReady } from './log.js';
import { writePidFile } from './pid-file.js';
import { type PlanProblem, planServer, type ServerPlan } from './plan.js';
import { plannedFiles } from './planned-files.js';
import { type StartOptions, startServer } from './start.js';

interface ServeOptions {
  readonly qmp?: readonly string[];
  readonly object?: readonly string[];
  readonly blockdev?: readonly string[];
  readonly drive?: readonly string[];
  readonly device?: readonly string[];
  readonly nbd?: readonly string[];
  readonly nbdServer?: readonly string[];
  readonly export?: readonly string[];
  readonly chardev?: readonly string[];
  readonly monitor?: readonly string[];
  readonly compat?: readonly string[];
  readonly pidfile?: string;
  readonly daemonize?: boolean;
  readonly snapshot?: boolean;
  readonly name?: string;
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
      .addOption(repeatable('--qmp <address>', 'take QMP clients at unix:PATH, abstract:NAME, tcp:HOST:PORT or stdio'))
      .addOption(repeatable('--object <properties>', 'add an object, such as a secret: TYPE,id=ID,…'))
      .addOption(repeatable('--blockdev <node>', 'add a node, as blockdev-add does: DRIVER,node-name=NAME,… or JSON'))
      .addOption(repeatable('--drive <drive>', "add a drive, as QEMU's -drive does: file=PATH,id=ID,…"))
      .addOption(
        repeatable(
          '--device <device>',
          'attach a device to a drive: disk|cdrom|floppy,drive=ID[,id=ID][,locked=on], or as device_add does',
        ),
      )
      .addOption(
        repeatable(
          '--nbd <server>',
          'serve NBD clients: unix:PATH|tcp:HOST:PORT[,device=ID|node=NAME][,export=NAME][,writable=on]',
        ),
      )
      .addOption(
        repeatable(
          '--nbd-server <server>',
          'as the storage daemon: addr.type=unix,addr.path=PATH[,tls-creds=ID]… or JSON',
        ),
      )
      .addOption(
        repeatable('--export <export>', 'as the storage daemon: nbd,id=ID,node-name=NODE[,writable=on]… or JSON'),
      )
      .addOption(
        repeatable(
          '--chardev <chardev>',
          'as the storage daemon: socket,id=ID,path=PATH,server=on,wait=off | stdio,id=ID',
        ),
      )
      .addOption(
        repeatable('--monitor <monitor>', 'as the storage daemon: take QMP clients at a chardev: ID[,pretty=on]'),
      )
      .addOption(
        repeatable('--compat <policy>', 'reject or hide what is deprecated or unstable: deprecated-input=reject,…'),
      )
      .option('--pidfile <path>', 'write the number of the process to this file once the server is ready')
      .option('--daemonize', 'go on in the background, and return once the server is ready')
      .option('--snapshot', 'keep what is written to drives in temporary files, unless they say snapshot=off')
      .option('--name <name>', 'what query-name reports')
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
    const { plan, problems, authorize } = await readOptions(options, whitelist);
    for (const { option, message } of problems) host.stderr.write(`error: ${option}: ${message}\n`);
    if (problems.length > 0) return exitCodes.problems;
    const { qmp, nbd, nbdServer, monitor, pidfile } = options;
    if ([qmp, nbd, nbdServer, monitor, pidfile].every((option) => option === undefined)) {
      throw new UserError('no client could reach the server', {
        hint: 'give it a --qmp or an --nbd to listen at, or a --monitor or an --nbd-server',
      });
    }
    if (options.checkConfig) {
      for (const { option, config } of plan.drives) {
        for (const warning of config.warnings) host.stderr.write(`warning: ${option}: ${warning}\n`);
      }
      host.stdout.write('The configuration is valid.\n');
      return exitCodes.ok;
    }
    if (options.daemonize && !isDaemon(host)) return startDaemon(host);
    const code = await serveUntilEnded({
      plan,
      pidfile: options.pidfile,
      whitelist,
      authorize,
      name: options.name,
      host,
      log: serverLog(host.stderr, options.logLevel),
    });
    if (host.ownsProcess) endSoon(code);
    return code;
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

/** What the options ask for, and all that is wrong with them as far as it can be seen without opening images. */
async function readOptions(
  options: ServeOptions,
  whitelist: DriverWhitelist,
): Promise<{ plan: ServerPlan; problems: PlanProblem[]; authorize: StartOptions['authorize'] }> {
  const { plan, problems: ofPlan } = planServer(options, { drivers: builtInDrivers(), whitelist });
  const problems = [...ofPlan];
  /** What a step gives; nothing when it fails, which is a problem with an option. */
  const attempt = async <T>(option: string, step: Promise<T>): Promise<T | undefined> => {
    try {
      return await step;
    } catch (error) {
      if (!(error instanceof BlockError)) throw error;
      problems.push({ option, message: error.message });
      return undefined;
    }
  };
  const allowed = options.allow && (await attempt('--allow', AllowedFolders.of(options.allow)));
  const authorize = allowed && ((path: string, fd?: number) => allowed.authorize(path, fd));
  if (authorize) for (const { option, config: file } of plannedFiles(plan)) await attempt(option, authorize(file));
  return { plan, problems, authorize };
}

async function serveUntilEnded(
  start: Omit<StartOptions, 'signal'> & { readonly pidfile: string | undefined },
): Promise<number> {
  const { host, log, pidfile } = start;
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
    let removePidFile = (): void => {};
    try {
      if (pidfile !== undefined) removePidFile = writePidFile(pidfile);
    } catch (error) {
      await server.close();
      throw error;
    }
    tellReady(log, server.places);
    if (isDaemon(host)) {
      await tellForeground();
      log.level = 'silent';
    }
    await Promise.race([server.ended, interrupted]);
    tellStopping();
    const well = await server.close();
    removePidFile();
    log.info('stopped');
    return well ? exitCodes.ok : exitCodes.problems;
  } finally {
    calmDown();
  }
}
