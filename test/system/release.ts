import { spawnSync } from 'node:child_process';

/** What newer releases of QEMU do otherwise than 7.2, and the first of which that is known. */
const changes = {
  /** A mirror to an image that is zero copies, and counts, what is allocated in the source. */
  'mirrors count what they copy': '10.1',
  /** A chardev has `reconnect-ms`, for which `reconnect` has gone in 10.2. */
  'reconnect-ms': '9.2',
  /** The size of memory that is a file is refused unless it consists of whole pages. */
  'memory files are pages': '11.1',
  /** No boundaries at all are refused. */
  'histograms have boundaries': '11.1',
  /** A TLS record is read to its end, however long it is. */
  'TLS records are read to their end': '11.1',
  /** An image that was read-only and had its backing files streamed into it can be written from then on. */
  'streamed images stay writable': '11.1',
  /** Machines of releases that are old are deprecated, and say so. */
  'old machines are deprecated': '11.1',
  /** `-mon` is deprecated, and says so: a monitor is an object. */
  'monitors are objects': '11.1',
} as const satisfies { readonly [change: string]: string };

const versions = new Map<string, string>();

/** The version of a program of QEMU on this machine: `7.2.22`. Empty where it is missing. */
export function versionOf(program = 'qemu-storage-daemon'): string {
  const known = versions.get(program);
  if (known !== undefined) return known;
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  const [version = ''] = /\d+\.\d+(\.\d+)*/.exec(stdout ?? '') ?? [];
  versions.set(program, version);
  return version;
}

/**
 * Whether a program does what a newer release than 7.2 has changed. Tests run beside any release from 7.2 on: ours is compared with
 * what today's does, and a test that needs that of an older one asks here.
 */
export function has(change: keyof typeof changes, program?: string): boolean {
  return rank(versionOf(program)) >= rank(changes[change]);
}

function rank(version: string): number {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major * 100 + minor;
}

/** The part of the corpus with the schemas of a program's release: `releases/7.2`, which need not be there. */
export function corpusOf(program: string): string {
  const release = versionOf(program).split('.').slice(0, 2).join('.');
  return `releases/${release}`;
}
