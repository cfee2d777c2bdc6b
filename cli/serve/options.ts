import { type Command, InvalidArgumentError, Option } from 'commander';
import { BlockError, builtInDrivers } from '../../runtime/block/index.js';
import { choiceOption } from '../options.js';
import { logLevels } from './log.js';

/** The options of `qapi-ts serve`, as they were given. */
export interface ServeOptions {
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
  readonly trace?: readonly string[];
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

/** The long options of the storage daemon, which getopt lets programs shorten. */
export const daemonOptions: readonly string[] = [
  '--blockdev',
  '--chardev',
  '--daemonize',
  '--export',
  '--help',
  '--monitor',
  '--nbd-server',
  '--object',
  '--pidfile',
  '--trace',
];

/** Declares all options. */
export function declare(command: Command): void {
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
        'as the storage daemon: socket,id=ID,path=PATH,server=on,wait=off | stdio,id=ID | file,id=ID,path=PATH',
      ),
    )
    .addOption(
      repeatable('--monitor <monitor>', 'as the storage daemon: take QMP clients at a chardev: ID[,pretty=on]'),
    )
    .addOption(
      repeatable('--compat <policy>', 'reject or hide what is deprecated or unstable: deprecated-input=reject,…'),
    )
    .addOption(repeatable('-T, --trace <events>', 'as the storage daemon, which has events to trace'))
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
}

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
