import { type Construct, type Dialect, whenKnown } from '../syntax/dialect.js';
import { SourceFile, type Span } from '../text/source-file.js';
import type { BuiltinDraft, EnumDraft, ObjectDraft } from './draft.js';
import type { BuiltinType, JsonKind } from './model.js';

type Range = NonNullable<BuiltinType['range']>;

const json: Readonly<Record<string, JsonKind>> = {
  str: 'string',
  number: 'number',
  int: 'int',
  int8: 'int',
  int16: 'int',
  int32: 'int',
  int64: 'int',
  uint8: 'int',
  uint16: 'int',
  uint32: 'int',
  uint64: 'int',
  size: 'int',
  bool: 'boolean',
  any: 'value',
  null: 'null',
};

function rangeOf(name: string): Range | undefined {
  if (json[name] !== 'int') return undefined;
  const width = BigInt(/\d+/.exec(name)?.[0] ?? 64);
  const unsigned = name === 'size' || name.startsWith('u');
  return unsigned
    ? { min: 0n, max: (1n << width) - 1n }
    : { min: -(1n << (width - 1n)), max: (1n << (width - 1n)) - 1n };
}

/** The built-in types of a dialect, in the order in which the reference defines them. */
export function builtinTypes(dialect: Dialect): BuiltinDraft[] {
  return Object.entries(json)
    .filter(([name]) => name !== 'null' || dialect.has('type null'))
    .map(([name, kind]) => {
      const range = rangeOf(name);
      return { kind: 'builtin', name, json: kind, ...(range && { range }), features: [], implicit: true };
    });
}

/** The built-in types that not all releases have. */
const dated: Readonly<Record<string, Construct>> = {
  any: "type 'any'",
  '**': "type '**'",
  null: 'type null',
  QType: 'type QType',
};

/** Says when there is a built-in type of a name that the language of a release lacks. */
export function builtinHint(name: string, dialect: Dialect): string | undefined {
  const construct = Object.hasOwn(dated, name) ? dated[name] : undefined;
  const when = construct && whenKnown(construct, dialect);
  if (!when) return undefined;
  return `'${name}' is ${when}${name === '**' ? ", and is called 'any' now" : ''}`;
}

/** The object without members: what commands without arguments take, and what tag values without a branch add. */
export function emptyObject(): ObjectDraft {
  return { kind: 'object', name: 'q_empty', members: [], features: [], implicit: true };
}

/** The place of built-in things, which are in no file. */
export const nowhere: Span = { file: new SourceFile('<built-in>', ''), start: 0, end: 0 };

/** The JSON types as an enum that schemas may use. */
export function qtype(dialect: Dialect): EnumDraft {
  const names = dialect.has('type null')
    ? ['none', 'qnull', 'qnum', 'qstring', 'qdict', 'qlist', 'qbool']
    : ['none', 'qnull', 'qint', 'qstring', 'qdict', 'qlist', 'qfloat', 'qbool'];
  const members = names.map((name) => ({ name, features: [], span: nowhere }));
  return { kind: 'enum', name: 'QType', prefix: 'QTYPE', members, features: [], implicit: true };
}
