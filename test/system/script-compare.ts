import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export const run = promisify(execFile);
/** An object of a reply or an event. */
export type Data = { readonly [member: string]: unknown };

/** Some members of an object. */
export const picked = (from: Data, ...members: string[]): Data =>
  Object.fromEntries(members.flatMap((member) => (from[member] === undefined ? [] : [[member, from[member]]])));

/** The same value with the members of objects in the order of their names. */
export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}

/** Texts of errors that are not those of the storage daemon, and why. */
const ownTexts: readonly (readonly [real: RegExp, ours: RegExp, why: string])[] = [
  [
    /Parameter '[^']*' is unexpected/,
    /unexpected, \w+ has no such member/,
    'arguments are checked by the generated code',
  ],
  [
    /node is used as \w[\w ]* of '\w+'/,
    /node is used as \w[\w ]* of '\w+'/,
    'of several users, another one may be named',
  ],
  [/(Block device|Node) \w+ is in use"/, /Node \w+ is in use/, 'ours says what uses the node'],
];

/** A line of ours, or that of the storage daemon if both are refusals of one class, and our text is the same or goes on behind it. */
export function agreed(line: string, real: string): string {
  const text = real.replace(/"$/, '');
  const own = ownTexts.some(([there, here]) => there.test(real) && here.test(line));
  const [command, other] = [line, real].map((from) => from.split(/: (?=GenericError|Device)/)[0]);
  return command === other && (own || (/: \w+ "/.test(text) && line.startsWith(`${text}:`))) ? real : line;
}

/** What a program says of an image, on standard output, also when it ends with an error. */
export const said = (...args: string[]): Promise<string> =>
  run('qemu-img', args).then(
    ({ stdout }) => stdout,
    ({ stdout }: { stdout: string }) => stdout,
  );

/** Backing file and bitmaps of an image, and what a check finds. */
export async function described(path: string): Promise<object> {
  const info = JSON.parse(await said('info', '--output=json', path));
  const { corruptions = 0, leaks = 0 } = JSON.parse((await said('check', '--output=json', path)) || '{}');
  const bitmaps = (info['format-specific']?.data.bitmaps ?? [])
    .map((found: object) => JSON.stringify(found))
    .toSorted();
  return { backing: info['backing-filename']?.replace(/.*\//, ''), bitmaps, corruptions, leaks };
}
