import type { ColumnRule } from '../text/source-file.js';
import { compareReleases, newestRelease, releaseBefore, releaseOf, releases } from './releases.js';

/**
 * The constructs that came into the language or left it, with the first release that has them and the first that does not.
 * This table is the one place where a release number decides anything: code asks `dialect.has('boxed')`.
 * `auto` reads them all, so a row's third element says what `auto` answers where that is not simply `true`.
 * Source: the releases' own generators.
 */
const eras = {
  // Text and tokens (lexer.ts)
  /** Before, the input is bytes: nothing but LF ends a line, and Unicode's white space is none. */
  'decoded text': ['2.12'],
  'escapes beside the backslash': ['2.4', '4.2'],
  'printable strings only': ['4.2', undefined, false],
  // Expressions (parse-file.ts)
  'values of any kind are read at the top level': ['6.1'],
  // Includes (load.ts)
  'normalised include paths': ['2.12'],
  // Pragmas (pragmas.ts)
  pragma: ['2.9'],
  "pragma 'returns-whitelist'": ['2.9', '6.0'],
  "pragma 'command-returns-exceptions'": ['6.0'],
  "pragma 'documentation-exceptions'": ['9.0'],
  // Documentation comments (doc/)
  /** Before, they are comments like any other; `auto` reads them, but lets them stand anywhere. */
  'documentation comments checked': ['2.9', undefined, false],
  'documentation by paragraphs': ['9.0', undefined, false],
  'documented features': ['4.1'],
  'optional markers forbidden': ['2.9', '2.12', false],
  'indentation ignored': ['2.9', '5.2', false],
  'indentation set by the first line': ['5.2', '8.1', false],
  'indentation set by the second line': ['8.1', '9.0', false],
  'section starts may hold blanks': ['8.1', undefined, false],
  'headings checked': ['5.2', '10.1', false],
  'outdated sections': ['9.1', undefined, false],
  'sections of notes and examples': ['2.9', '9.1'],
  'comment after documentation starts another': ['9.0', '9.1', false],
  /** At most 70 columns, and two blanks between sentences. */
  'documentation lines checked': ['10.2', undefined, false],
  /** Indented text directly below the name of what is described. */
  introductions: ['11.1'],
  /** The literal `null`. */
  'null literal': ['2.4', '4.2'],
  boxed: ['2.7'],
  // Built-in types (generator/schema/builtins.ts)
  'type null': ['2.10'],
  'type QType': ['2.6'],
  /** Any value, where `gen` is off; then called `any`. */
  "type '**'": ['2.4', '2.5'],
  "type 'any'": ['2.5'],
  prefix: ['2.5'],
  'allow-oob': ['2.12'],
  'allow-preconfig': ['3.0'],
  coroutine: ['5.2'],
  /** `if` on definitions. */
  conditions: ['3.0'],
  'conditions in C': ['3.0', '6.2'],
  'blank conditions are empty': ['4.2'],
  'conditions as trees': ['6.2'],
  'features of structs': ['4.1'],
  'features of commands': ['4.2'],
  'features of all definitions': ['5.0'],
  'features of enum values': ['6.2'],
  'empty features of any kind': ['4.1', '4.2', false],
  'simple unions': ['2.4', '6.2'],
  'every union has a discriminator': ['6.2', undefined, false],
  // Definitions (generator/schema/check)
  /** A struct's `data` may be written as a type name. The reference then crashes on it, but only when all else is checked. */
  'structs with named data': ['4.2', '8.1', false],
  'exactly one kind': ['6.2'],
  /** Objects in place of plain member types, branch types and enum values, with a condition of their own. */
  'long forms': ['4.0'],
  'conditions of members checked': ['4.2'],
  /** An inline object as the base of a union. */
  'inline bases': ['2.6'],
  /** An inline object as the result of a command. */
  'inline returns': ['2.4', '2.5'],
  /** Names of branches obey the rules of names, and are not just values of an enum. */
  'names of branches checked': ['2.4', '6.0', false],
  'unions as branches': ['8.1'],
  /** Unions as arguments without `boxed`. */
  'unions as arguments': ['2.4', '2.5'],
  'alternates as arguments': ['2.7', '4.2'],
  /** Conditional members of arguments without `boxed`. */
  'conditional arguments': ['4.0', '8.1'],
  'arrays in alternates': ['7.1'],
  /** An alternate may distinguish integers from other numbers. */
  'alternates of int and number': ['2.4', '2.10'],
  /** An alternate may have strings beside what a command line spells like them. */
  'alternates by JSON type alone': ['2.4', '2.10'],
  'QType like a string': ['2.10', '4.2', false],
  "feature 'deprecated'": ['5.0', undefined, false],
  "feature 'unstable'": ['6.2', undefined, false],
  'limit of features': ['10.0', undefined, false],
  // Documentation (generator/schema/check/documentation.ts)
  'documentation as advice': ['2.4', '2.4'],
  'descriptions of everything checked': ['4.2'],
  'features must be described': ['4.2'],
  'members must be described': ['9.0', undefined, false],
  'Returns only where something is returned': ['9.0', undefined, false],
  'documentation errors at the section': ['9.0'],
  'non-existent descriptions reported last': ['9.0'],
  // What only releases up to 4.1 check (generator/schema/legacy)
  /** Keys and names of all definitions first, then their contents, then what only shows when all is known. */
  'checks in two passes': ['2.4', '4.2', false],
  /** One after the other as written, and missing ones last. */
  'keys checked as written': ['2.4', '4.0', false],
  /** Lists in the tool, where later releases have pragmas. */
  'fixed exceptions': ['2.4', '2.9'],
  'fixed exceptions of 2.4': ['2.4', '2.5', false],
  'no union without branches': ['2.6', '4.2', false],
  'alternates without branches': ['2.4', '2.6', false],
  'two branches of alternates': ['2.6', '4.2', false],
  /** Every value of a discriminator needs a branch. */
  'unions without gaps': ['2.7', '3.0', false],
  'discriminator apart from its values': ['2.5', '2.6', false],
  /** Enum values and branches clash by the constants that C has for them, members by their very names. */
  'clashes of constants': ['2.4', '2.6', false],
  "reserved branches 'kind' and 'type'": ['2.5', '2.6', false],
  // Names (generator/schema/names.ts)
  /** A leading `_` and dots anywhere; an enum value may start with `-`, `.` and digits. */
  'underscore and dots in names': ['2.4', '2.6'],
  'empty enum values': ['2.4', '2.6', false],
  'line feed after a name': ['2.4', '4.2', false],
  "reserved prefix 'q_'": ['2.5'],
  "reserved suffix 'Kind'": ['2.4', '6.2', false],
  "reserved suffix 'List'": ['2.5'],
  'reserved suffixes for types only': ['6.1'],
  'reserved member names': ['2.5'],
  /** Before, members are tested with their `*`, so that optional ones escape. */
  'reserved names of optional members': ['6.0', undefined, false],
  /** 2.6–4.1 test it just before they look for clashes. */
  'uppercase checked with clashes': ['2.6', '4.2', false],
  'uppercase checked with the name': ['4.2', '6.0', false],
  /** CamelCase types, lowercase members and commands, uppercase events. */
  'style of names': ['6.0', undefined, false],
  'unstyled names of features': ['6.1', '7.1'],
} as const satisfies Record<string, readonly [since: string, until?: string | undefined, auto?: boolean]>;

/** A row of the era table. */
export type Construct = keyof typeof eras;

/** The language of one release, or of all of them together. */
export class Dialect {
  /** `auto`, or the release: `9.0`. */
  readonly name: string;
  /** The release that was asked for, where it is newer than all that are known: the rules are those of the newest one. */
  readonly newer: string | undefined;
  /** How columns are counted in diagnostics. */
  readonly columns: ColumnRule;
  readonly #constructs: ReadonlySet<Construct>;

  private constructor(name: string, newer?: string) {
    this.name = name;
    this.newer = newer;
    const constructs = Object.entries(eras).filter(([, era]) => isPartOf(era, name));
    this.#constructs = new Set(constructs.map(([construct]) => construct as Construct));
    this.columns = name === 'auto' ? 'character' : this.has('decoded text') ? 'reference' : 'reference-bytes';
  }

  /** What reads the schema of any release. */
  static readonly auto: Dialect = new Dialect('auto');

  /** The language of the newest release that is known. */
  static readonly newest: Dialect = new Dialect(newestRelease);

  /**
   * The dialect of a release: `9.0`, a patch or development version such as `8.2.1` or `2.7.50`, or `auto`.
   * A release newer than all that are known has the rules of the newest. A name that is none of these gives a sentence that says what is wrong with it.
   */
  static named(name: string): { readonly dialect: Dialect } | { readonly problem: string } {
    if (name === 'auto') return { dialect: Dialect.auto };
    const found = releaseOf(name);
    return 'problem' in found ? found : { dialect: new Dialect(found.release, found.newer) };
  }

  /**
   * The dialect that a caller asks for by name or hands over; `auto` when it does neither.
   *
   * @throws {RangeError} when there is no dialect of that name
   */
  static of(dialect: string | Dialect = Dialect.auto): Dialect {
    if (typeof dialect !== 'string') return dialect;
    const found = Dialect.named(dialect);
    if ('problem' in found) throw new RangeError(found.problem);
    return found.dialect;
  }

  /** Whether the language has a construct, or the rule that a row of the table names. */
  has(construct: Construct): boolean {
    return this.#constructs.has(construct);
  }

  /** Whether this is the given release or a newer one, for what no row can express. `auto` is newer than all. */
  atLeast(release: string): boolean {
    return this.name === 'auto' || compareReleases(this.name, release) >= 0;
  }
}

/** The releases with which the language changed, newest first; with the oldest one that is known as the last. */
export const turningPoints: readonly string[] = turningPointsOf(Object.values(eras));

function turningPointsOf(rows: readonly (readonly unknown[])[]): string[] {
  const changes = new Set([releases[0], ...rows.flat()]);
  return releases.filter((release) => changes.has(release)).reverse();
}

/** Says from or until when there is a construct that the language of a release lacks: `known from release 4.0 on`. */
export function whenKnown(construct: Construct, dialect: Dialect): string | undefined {
  if (dialect.has(construct) || dialect.name === 'auto') return undefined;
  const [since, until]: readonly [string, (string | undefined)?, boolean?] = eras[construct];
  if (compareReleases(dialect.name, since) < 0) return `known from release ${since} on`;
  return until === undefined ? undefined : `known until release ${releaseBefore(until)}`;
}

/** The release from which on there is a construct, or a rule. */
export function firstWith(construct: Construct): string {
  return eras[construct][0];
}

/** Every name under which a dialect can be asked for, `auto` first. */
export const dialectNames: readonly string[] = ['auto', ...releases];

function isPartOf(
  [since, until, auto = true]: readonly [string, (string | undefined)?, boolean?],
  name: string,
): boolean {
  if (name === 'auto') return auto;
  return compareReleases(name, since) >= 0 && (until === undefined || compareReleases(name, until) < 0);
}
