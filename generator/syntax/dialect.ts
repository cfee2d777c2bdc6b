/**
 * The constructs that came into the language or left it, with the first release that has them and the first that does not.
 * This table is the one place where a release number decides anything: code asks `dialect.has('boxed')`.
 * `auto` reads them all, so a row's third element says what `auto` answers where that is not simply `true`.
 * Source: the releases' own generators.
 */
const eras = {
  /** The literal `null`. */
  'null literal': ['2.4', '4.2'],
  boxed: ['2.7'],
  // Built-in types (generator/schema/builtins.ts)
  'type null': ['2.10'],
  'type QType': ['2.6'],
  /** Any value, where `gen` is off; then called `any`. */
  "type '**'": ['2.4', '2.5'],
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
  'every union has a discriminator': ['6.2', undefined, false],
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
