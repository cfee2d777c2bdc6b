import type { Dialect } from '../syntax/dialect.js';
import type { Pragmas } from '../syntax/tree.js';
import type { names as catalogue } from '../text/catalogue/names.js';
import type { DiagnosticParameters } from '../text/diagnostic.js';
import type { Span } from '../text/source-file.js';
import type { CheckContext } from './check/context.js';

/** What a name names; the rules differ by it. Names of flat-union branches are no names of their own but values of an enum. */
export type NameKind =
  | 'enum'
  | 'struct'
  | 'union'
  | 'alternate'
  | 'command'
  | 'event'
  | 'member'
  | 'argument'
  | 'enum value'
  | 'branch'
  | 'feature';

/** What the rules depend on beside the name. */
export interface NameRules {
  readonly dialect: Dialect;
  readonly pragmas: Pick<Pragmas, 'memberNameExceptions' | 'commandNameExceptions'>;
}

type NameDiagnostic = keyof typeof catalogue;

/** A fault, with a name that may be better. */
type Finding = {
  [N in NameDiagnostic]: { readonly name: N; readonly parameters: DiagnosticParameters<N>; readonly better?: string };
}[NameDiagnostic];

/** What is wrong with a name: a kind of diagnostic and its parameters, still without a place. */
export type NameFault = {
  [N in NameDiagnostic]: { readonly name: N; readonly parameters: DiagnosticParameters<N>; readonly hint?: string };
}[NameDiagnostic];

/** Reports what is wrong with the name at `span`, if anything is. Tells whether something was. */
export function reportNameFault(context: CheckContext, fault: NameFault | undefined, span: Span): boolean {
  if (!fault) return false;
  context.report(fault.name, fault.parameters as never, span, { hint: fault.hint });
  return true;
}

const DOWNSTREAM = '(?:__[a-zA-Z0-9.-]+_)?';
const WELL_FORMED = new RegExp(`^${DOWNSTREAM}[a-zA-Z][a-zA-Z0-9_-]*$`);
const WELL_FORMED_2_4 = /^[a-zA-Z_][a-zA-Z0-9_.-]*$/;
/** What remains of a well-formed name without the vendor's prefix and the mark of experimental names. */
const STEM = new RegExp(`^${DOWNSTREAM}(?:[xX]-(?=[a-zA-Z]))?(.*)$`);
const ARTICLE: Record<NameKind, string> = {
  enum: 'an enum',
  struct: 'a struct',
  union: 'a union',
  alternate: 'an alternate',
  command: 'a command',
  event: 'an event',
  member: 'a member',
  argument: 'an argument',
  'enum value': 'an enum value',
  branch: 'a branch',
  feature: 'a feature',
};

/**
 * The name as generated C spells it: what would be no letter, digit or `_` becomes `_`.
 * Members that agree in it clash.
 */
export function cName(name: string): string {
  return name.replace(/[^A-Za-z0-9_]/g, '_');
}

/** The name of a member as `data` spells it, without the `*` that makes it optional. */
export function memberName(key: string): string {
  return key.startsWith('*') ? key.slice(1) : key;
}

/**
 * Checks a name as the release does where it meets it: form, reserved prefix and, from 4.2, style.
 *
 * @param name without the `*` of an optional member
 * @param owner the definition that holds the member or value; the exception lists name owners
 */
export function nameFault(name: string, kind: NameKind, rules: NameRules, owner?: string): NameFault | undefined {
  const finding = findFault(name, kind, rules, owner);
  return finding && proposing(finding, (better) => findFault(better, kind, rules, owner) === undefined);
}

/** Names in which no release finds a fault: nearly all. */
const plain = {
  type: /^[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*$/,
  event: /^[A-Z][A-Z0-9_]*$/,
  other: /^(?!q-)[a-z][a-z0-9-]*$/,
};

function findFault(name: string, kind: NameKind, rules: NameRules, owner: string | undefined): Finding | undefined {
  if (plain[kind === 'event' ? kind : isType(kind) ? 'type' : 'other'].test(name)) return undefined;
  const { dialect } = rules;
  if (!isWellFormed(name, kind, dialect)) return malformed(name, kind, dialect);
  if (dialect.has("reserved prefix 'q_'") && name.startsWith('q') && cName(name).startsWith('q_')) {
    return { name: 'reserved-prefix', parameters: { what: ARTICLE[kind], name } };
  }
  if (dialect.has('style of names')) return findStyleFault(name, kind, rules, owner);
  if (dialect.has('uppercase checked with the name') && !isDefinition(kind)) {
    return findUppercase(name, kind, rules, kind === 'member' || kind === 'enum value' ? owner : undefined);
  }
  return undefined;
}

/** The fault with its better name as a hint, if that name is another one and good. */
function proposing({ better, ...fault }: Finding, isGood: (name: string) => boolean): NameFault {
  const good = better !== undefined && better !== fault.parameters.name && isGood(better);
  return { ...fault, ...(good && { hint: `for instance '${better}'` }) } as NameFault;
}

/**
 * The rule of 2.6–5.2 against uppercase in members. Up to 4.1 it is tested just before a clash is looked for.
 *
 * @param owner what an exception list may name; up to 4.1 also an implicit type such as `q_obj_NAME-arg` or `NAMEKind`
 */
export function uppercaseFault(
  name: string,
  kind: NameKind,
  rules: NameRules,
  owner: string | undefined,
): NameFault | undefined {
  const finding = findUppercase(name, kind, rules, owner);
  return finding && proposing(finding, () => true);
}

function findUppercase(
  name: string,
  kind: NameKind,
  { dialect, pragmas }: NameRules,
  owner: string | undefined,
): Finding | undefined {
  if (name.toLowerCase() === name) return undefined;
  if (owner !== undefined && pragmas.memberNameExceptions.has(owner)) return undefined;
  const way =
    owner !== undefined && dialect.has('pragma')
      ? `write it in lowercase, or list '${owner}' in the pragma 'name-case-whitelist'`
      : 'write it in lowercase';
  return { name: 'uppercase-name', parameters: { what: ARTICLE[kind], name, way }, better: hyphenated(name) };
}

/** Checks a definition's name for the endings that implicit types have. */
export function reservedSuffixFault(name: string, kind: NameKind, dialect: Dialect): NameFault | undefined {
  if ((kind === 'command' || kind === 'event') && dialect.has('reserved suffixes for types only')) return undefined;
  const reserved =
    dialect.has("reserved suffix 'Kind'") && name.endsWith('Kind')
      ? 'Kind'
      : dialect.has("reserved suffix 'List'") && name.endsWith('List')
        ? 'List'
        : undefined;
  return reserved && { name: 'reserved-suffix', parameters: { what: ARTICLE[kind], name, suffix: reserved } };
}

/**
 * Checks for names that generated C needs for itself in structures: members of structs and union bases, arguments.
 *
 * @param key the name as the schema writes it, `*` included: up to 5.2 an optional member escapes
 */
export function reservedMemberFault(key: string, dialect: Dialect): NameFault | undefined {
  if (!dialect.has('reserved member names')) return undefined;
  const tested = dialect.has('reserved names of optional members') ? memberName(key) : key;
  // As C spells them: `u`, and what starts with `has_`.
  if (!/^(?:u$|has[^A-Za-z0-9])/.test(tested)) return undefined;
  return { name: 'reserved-member-name', parameters: { name: tested } };
}

/** The name of a C constant in the old munging (3.6): `fooBar` gives `FOO_BAR`, `FOO` stays. Up to 2.5 enum values and branches clash by it. */
export function camelToUpper(name: string): string {
  const inC = name.replace(/[.-]/g, '_');
  if (/[A-Z]/.test(inC) && !/[a-z]/.test(inC)) return inC;
  return inC
    .replace(/(?<=[^_])[A-Z](?=[a-z])|(?<=[0-9])[A-Z]/g, '_$&')
    .replace(/^_+/, '')
    .toUpperCase();
}

function isDefinition(kind: NameKind): boolean {
  return isType(kind) || kind === 'command' || kind === 'event';
}

function isType(kind: NameKind): boolean {
  return kind === 'enum' || kind === 'struct' || kind === 'union' || kind === 'alternate';
}

function isWellFormed(name: string, kind: NameKind, dialect: Dialect): boolean {
  // Python's `$`, which the releases with escapes in strings used, also matches before a final line feed.
  const tested = dialect.has('line feed after a name') && name.endsWith('\n') ? name.slice(0, -1) : name;
  if (tested === '') return kind === 'enum value' && dialect.has('empty enum values');
  if (dialect.has('underscore and dots in names')) {
    return WELL_FORMED_2_4.test(kind === 'enum value' ? `_${tested}` : tested);
  }
  return WELL_FORMED.test(kind === 'enum value' && /^[0-9]/.test(tested) ? `D${tested}` : tested);
}

function malformed(name: string, kind: NameKind, dialect: Dialect): Finding {
  const odd = /[^a-zA-Z0-9_.-]/u.exec(name)?.[0];
  const first = name[0];
  let reason: string;
  if (first === undefined) reason = 'it is empty';
  else if (odd === '*') reason = "'*' marks optional members and may only stand before a member's name";
  else if (odd !== undefined) reason = `names are made of letters, digits, '-' and '_', not of ${JSON.stringify(odd)}`;
  else if (dialect.has('underscore and dots in names'))
    reason = `it must start with a letter or '_', not with '${first}'`;
  else if (!/[a-zA-Z_]/.test(first)) {
    reason = `it must start with a letter${kind === 'enum value' ? ' or digit' : ''}, not with '${first}'`;
  } else if (first === '_')
    reason = "only a vendor's prefix, such as '__com.example_', may start with '_', and a letter must follow it";
  else reason = "dots are only allowed in a vendor's prefix, such as '__com.example_'";
  const better = name
    .replace(/[^a-zA-Z0-9_-]+/g, '-')
    .replace(/^[^a-zA-Z]+/, '')
    .replace(/-+$/, '');
  return { name: 'malformed-name', parameters: { what: ARTICLE[kind], name, reason }, better };
}

function findStyleFault(
  name: string,
  kind: NameKind,
  rules: NameRules,
  owner: string | undefined,
): Finding | undefined {
  const stem = STEM.exec(name)?.[1] ?? name;
  const prefix = name.slice(0, name.length - stem.length);
  if (isType(kind)) {
    if (/^[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*$/.test(stem)) return undefined;
    return { name: 'type-name-style', parameters: { name }, better: prefix + camelCase(stem) };
  }
  if (kind === 'event') {
    if (!/[a-z-]/.test(stem)) return undefined;
    const upper = stem.replace(/(?<=[a-z0-9])(?=[A-Z])|-/g, '_').toUpperCase();
    return { name: 'event-name-style', parameters: { name }, better: prefix + upper };
  }
  if (kind === 'feature' && rules.dialect.has('unstyled names of features')) return undefined;
  return findLowercaseFault(name, stem, kind, rules, owner);
}

function findLowercaseFault(
  name: string,
  stem: string,
  kind: NameKind,
  { pragmas }: NameRules,
  owner: string | undefined,
): Finding | undefined {
  const memberExcepted =
    (kind === 'member' || kind === 'enum value') && owner !== undefined && pragmas.memberNameExceptions.has(owner);
  const upper = !memberExcepted && /[A-Z]/.test(stem);
  const underscore =
    !memberExcepted && !(kind === 'command' && pragmas.commandNameExceptions.has(name)) && stem.includes('_');
  if (!upper && !underscore) return undefined;
  let way = '';
  if (kind === 'command' && !upper) way = `, unless the pragma 'command-name-exceptions' lists it`;
  if ((kind === 'member' || kind === 'enum value') && owner !== undefined) {
    way = `, unless the pragma 'member-name-exceptions' lists '${owner}'`;
  }
  const prefix = name.slice(0, name.length - stem.length);
  return {
    name: 'lowercase-name-style',
    parameters: { what: ARTICLE[kind], name, way },
    better: prefix + hyphenated(stem),
  };
}

function hyphenated(name: string): string {
  return name
    .replace(/(?<=[a-z0-9])(?=[A-Z])/g, '-')
    .replace(/_+/g, '-')
    .replace(/^-+|-+$/g, '')
    .toLowerCase();
}

function camelCase(name: string): string {
  const words = name.split(/[-_]+/).filter((word) => word !== '');
  return words
    .map(
      (word) => (word[0] as string).toUpperCase() + (/[a-z]/.test(word) ? word.slice(1) : word.slice(1).toLowerCase()),
    )
    .join('');
}
