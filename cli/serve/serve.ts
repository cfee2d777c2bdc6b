import { BlockError, builtInDrivers, type DriverWhitelist } from '../../runtime/block/index.js';
import { exitCodes, type Subcommand } from '../subcommand.js';
import { UserError } from '../user-error.js';
import { AllowedFolders } from './allowed-folders.js';
import { isDaemon, startDaemon, tellForeground } from './daemon.js';
import { printHelp } from './help.js';
import { aborted, endAtSecondSignal, endSoon, stayUntilEnded } from './lifetime.js';
import { serverLog, tellReady } from './log.js';
import { daemonOptions, declare, type ServeOptions } from './options.js';
import { writePidFile } from './pid-file.js';
import { type PlanProblem, planServer, type ServerPlan } from './plan.js';
import { plannedFiles } from './planned-files.js';
import { type StartOptions, startServer } from './start.js';

/** `qapi-ts serve`. */
export const serve: Subcommand = {
  declare,
  abbreviated: daemonOptions,
  async run(command, host) {
    const options = command.opts<ServeOptions>();
    const helped = printHelp(options, host.stdout);
    if (helped !== undefined) return helped;
    const whitelist: DriverWhitelist = {
      readWrite: options.drivers ?? [],
      readOnly: options.driversReadOnly ?? [],
    };
    const { plan, problems, authorize } = await readOptions(options, whitelist);
    for (const { option, message } of problems) host.stderr.write(`error: ${option}: ${message}\n`);
    if (problems.length > 0) return exitCodes.problems;
    const unreachable = isUnreachable(options);
    if (options.checkConfig) {
      if (unreachable) host.stderr.write(`warning: ${noClient}\n`);
      for (const { option, config } of plan.drives) {
        for (const warning of config.warnings) host.stderr.write(`warning: ${option}: ${warning}\n`);
      }
      host.stdout.write('The configuration is valid.\n');
      return exitCodes.ok;
    }
    if (options.daemonize && !isDaemon(host)) return startDaemon(host);
    const log = serverLog(host.stderr, options.logLevel);
    if (unreachable) log.warn(noClient);
    for (const text of options.trace ?? []) log.warn({ option: `--trace ${text}` }, noTrace);
    const code = await serveUntilEnded({
      plan,
      pidfile: options.pidfile,
      whitelist,
      authorize,
      name: options.name,
      host,
      log,
    });
    if (host.ownsProcess) endSoon(code);
    return code;
  },
};

const noClient = 'no client could reach the server';

const noTrace = 'there are no events to trace: --log-level says how much is logged';

/**
 * Whether no client could reach a server. The storage daemon runs all the same, and keeps its images open until a signal ends it.
 *
 * @throws UserError when none of its options is there, either
 */
function isUnreachable({ qmp, nbd, nbdServer, monitor, ...options }: ServeOptions): boolean {
  if ([qmp, nbd, nbdServer, monitor].some((option) => option !== undefined)) return false;
  const { blockdev, object, chardev, pidfile, daemonize, trace } = options;
  if ([blockdev, object, chardev, pidfile, daemonize, trace].some((option) => option !== undefined)) return true;
  throw new UserError(noClient, {
    hint: 'give it a --qmp or an --nbd to listen at, or a --monitor or an --nbd-server',
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
    const leave = stayUntilEnded();
    await Promise.race([server.ended, interrupted]);
    leave();
    tellStopping();
    const well = await server.close();
    removePidFile();
    log.info('stopped');
    return well ? exitCodes.ok : exitCodes.problems;
  } finally {
    calmDown();
  }
}
