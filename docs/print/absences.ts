import { BlockdevDriver } from '../../generated/index.js';
import { builtInDrivers } from '../../runtime/block/built-in-drivers.js';

/** What clients of the block half of a release may not find in the schema of this project. */
export interface Absence {
  /** The releases whose clients miss it. */
  readonly releases: readonly string[];
  /** What it is, for people. */
  readonly what: string;
  readonly why: string;
  /** The changes from the schema of the release to ours that this explains. */
  readonly pattern: RegExp;
}

const today = ['10.1', '11.1'];
const all = ['2.8', ...today];

/** All that is missing: a test compares the schemas and knows nothing beyond this, and a page prints it. */
export const absences: readonly Absence[] = [
  {
    releases: today,
    what: 'commands before the machine is complete (`-preconfig`)',
    why: 'there is no such time: every command may be sent at once',
    pattern: / preconfig-lost /,
  },
  {
    releases: today,
    what: '`object-add` of guests, networks, monitors and other libraries: `sev-guest`, `filter-dump`, `rng-random`, `secret_keyring`, `tls-cipher-suites` and their like',
    why: 'there is nothing here that would use them',
    pattern: /^object-add branch-removed arguments.qom-type/,
  },
  {
    releases: today,
    what: '`query-pr-managers`, `PR_MANAGER_STATUS_CHANGED`, the object `pr-manager-helper`',
    why: 'persistent reservations need a helper of the host',
    pattern: /^(query-pr-managers|PR_MANAGER_STATUS_CHANGED) /,
  },
  {
    releases: today,
    what: 'details of `query-cpus-fast`',
    why: 'the list is empty: this server has no processors',
    pattern: /^query-cpus-fast /,
  },
  {
    releases: all,
    what: 'details of `query-tpm`',
    why: 'the list is empty: this server has no trusted platform modules',
    pattern: /^query-tpm /,
  },
  {
    releases: today,
    what: 'reasons of `RESET` and `SHUTDOWN` that a machine has: `guest-reset`, `guest-panic`, `subsystem-reset` and their like',
    why: 'nothing but `system_reset` resets here, and nothing but `quit` and signals ends the server',
    pattern: /^RESET,SHUTDOWN enum-value-removed data.reason/,
  },
  {
    releases: today,
    what: 'the feature `savevm-monitor-nodes` of `human-monitor-command`',
    why: 'the line `savevm` saves the state of a machine, which is not there',
    pattern: /^human-monitor-command feature-removed .* 'savevm-monitor-nodes'/,
  },
  {
    releases: today,
    what: 'the feature `fdset` of the driver `virtio-blk-vhost-vdpa`',
    why: 'the driver is not built in',
    pattern: /^blockdev-add,blockdev-create,blockdev-reopen feature-removed .* 'fdset'/,
  },
  {
    releases: ['10.1'],
    what: 'Gluster servers by `fd` and `vsock`',
    why: 'they are reached by TCP and unix sockets; QEMU refuses the other kinds, too',
    pattern: /^blockdev-add,blockdev-create.* branch-removed arguments.*server\[\].type/,
  },
  {
    releases: ['2.8'],
    what: '`blockdev-add` with all in `options`',
    why: 'the older form is read, and the schema describes the newer one',
    pattern: /^blockdev-add (mandatory-member-added arguments.driver|member-removed arguments.options)/,
  },
  {
    releases: ['2.8'],
    what: '`object-add` with `props`, and of any type',
    why: 'the older form is read; types of guests and networks would have no use, and what the others demand, they demanded then, too',
    pattern: /^object-add /,
  },
];

const place = /<!-- absences -->\n[\s\S]*?<!-- \/absences -->/;

/** A page of the documentation with the tables of what is missing filled in. */
export function withAbsences(page: string): string {
  const rows = absences.map(({ releases, what, why }) => `| ${releases.join(', ')} | ${what} | ${why} |`);
  const table = ['| Release | What | Why it is not here |', '| --- | --- | --- |', ...rows];
  const drivers = driversNotBuiltIn().map((name) => `\`${name}\``);
  const refused = `The schema also describes, and the server refuses as not built in, the drivers ${drivers.join(', ')}.`;
  return page.replace(place, ['<!-- absences -->', '', ...table, '', refused, '', '<!-- /absences -->'].join('\n'));
}

/** The drivers that the schema names and that this project does not have. */
function driversNotBuiltIn(): string[] {
  const drivers = builtInDrivers();
  return BlockdevDriver.filter((name) => {
    try {
      return drivers.named(name) === undefined;
    } catch {
      return true;
    }
  });
}
