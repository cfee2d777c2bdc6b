import fc from 'fast-check';
import type { ChangeKind } from '../../../generator/index.js';

/** An expression of a schema as a JSON value. */
export type Expression = Readonly<Record<string, unknown>>;

/** A change that was made on purpose. */
export interface Planted {
  readonly kind: ChangeKind;
  readonly now: readonly Expression[];
  /** What was changed, and whether that is an enum. */
  readonly of: string;
  readonly isEnum?: true;
  /** Whether a member of that name was mandatory before. */
  readonly wasMandatory?: boolean;
}

const members = (struct: Expression): [string, unknown][] => Object.entries(struct.data as Record<string, unknown>);
const values = (enumeration: Expression): unknown[] => enumeration.data as unknown[];

/** Plants one of the changes that schemas of `arbitraryDefinitions` have a place for. `pick` chooses. */
export function plant(expressions: readonly Expression[], pick: readonly [number, number, number]): Planted {
  const plants = [
    addMember(false),
    addMember(true),
    removeMember,
    switchOptional,
    widen,
    changeType,
    addValue,
    removeValue,
    addCommand,
    removeEvent,
    deprecate,
  ];
  const start = pick[0] % plants.length;
  for (const make of [...plants.slice(start), ...plants]) {
    const planted = make(expressions, pick[1], pick[2]);
    if (planted) return planted;
  }
  throw new Error('no change fits');
}

/** The numbers by which `plant` chooses. */
export const picks: fc.Arbitrary<[number, number, number]> = fc.tuple(fc.nat(1000), fc.nat(1000), fc.nat(1000));

type Make = (expressions: readonly Expression[], which: number, part: number) => Planted | undefined;

function choose<T>(things: readonly T[], number: number): T | undefined {
  return things[number % Math.max(1, things.length)];
}

function ownStructs(expressions: readonly Expression[]): Expression[] {
  return expressions.filter(({ struct }) => typeof struct === 'string' && struct.startsWith('Struct'));
}

function replace(expressions: readonly Expression[], old: Expression, now: Expression): Expression[] {
  return expressions.map((expression) => (expression === old ? now : expression));
}

const addMember =
  (optional: boolean): Make =>
  (expressions, which) => {
    const struct = choose(ownStructs(expressions), which);
    if (!struct) return undefined;
    const data = { [`${optional ? '*' : ''}planted`]: 'Leaf', ...(struct.data as object) };
    return {
      kind: optional ? 'optional-member-added' : 'mandatory-member-added',
      now: replace(expressions, struct, { ...struct, data }),
      of: struct.struct as string,
    };
  };

/** Finds a member of a struct and changes it, or leaves it out. */
function changeMember(
  expressions: readonly Expression[],
  which: number,
  part: number,
  change: (key: string, type: unknown) => { kind: ChangeKind; key?: string; type?: unknown } | undefined,
): Planted | undefined {
  const candidates = ownStructs(expressions).flatMap((struct) =>
    members(struct).flatMap(([key, type]) => {
      const changed = change(key, type);
      return changed ? [{ struct, key, type, changed }] : [];
    }),
  );
  const found = choose(candidates, which + part);
  if (!found) return undefined;
  const { struct, key, type, changed } = found;
  const entries = members(struct).flatMap(([name, value]): [string, unknown][] => {
    if (name !== key) return [[name, value]];
    return changed.key === undefined ? [] : [[changed.key, changed.type ?? type]];
  });
  const now = replace(expressions, struct, { ...struct, data: Object.fromEntries(entries) });
  return { kind: changed.kind, now, of: struct.struct as string, wasMandatory: !key.startsWith('*') };
}

const removeMember: Make = (expressions, which, part) =>
  changeMember(expressions, which, part, () => ({ kind: 'member-removed' }));

const switchOptional: Make = (expressions, which, part) =>
  changeMember(expressions, which, part, (key) =>
    key.startsWith('*')
      ? { kind: 'member-made-mandatory', key: key.slice(1) }
      : { kind: 'member-made-optional', key: `*${key}` },
  );

const widen: Make = (expressions, which, part) =>
  changeMember(expressions, which, part, (key, type) =>
    type === 'int' || type === 'uint16' ? { kind: 'type-widened', key, type: 'number' } : undefined,
  );

const changeType: Make = (expressions, which, part) =>
  changeMember(expressions, which, part, (key, type) =>
    type === 'str' || type === 'bool' ? { kind: 'type-changed', key, type: ['Leaf'] } : undefined,
  );

const addValue: Make = (expressions, which) => {
  const found = choose(
    expressions.filter((expression) => 'enum' in expression),
    which,
  );
  if (!found) return undefined;
  const now = replace(expressions, found, { ...found, data: ['planted', ...values(found)] });
  return { kind: 'enum-value-added', now, of: found.enum as string, isEnum: true };
};

/** The value that branches have stays. */
const removeValue: Make = (expressions, which, part) => {
  const found = choose(
    expressions.filter((expression) => 'enum' in expression),
    which,
  );
  const removed = found && choose(values(found).slice(1), part);
  if (!found || removed === undefined) return undefined;
  const now = replace(expressions, found, { ...found, data: values(found).filter((value) => value !== removed) });
  return { kind: 'enum-value-removed', now, of: found.enum as string, isEnum: true };
};

const addCommand: Make = (expressions) => ({
  kind: 'command-added',
  now: [{ command: 'planted', returns: 'Leaf' }, ...expressions],
  of: 'planted',
});

const removeEvent: Make = (expressions, which) => {
  const found = choose(
    expressions.filter((expression) => 'event' in expression),
    which,
  );
  if (!found) return undefined;
  return { kind: 'event-removed', now: expressions.filter((other) => other !== found), of: found.event as string };
};

const deprecate: Make = (expressions, which) => {
  const found = choose(
    expressions.filter((expression) => 'command' in expression),
    which,
  );
  if (!found) return undefined;
  const features = [...((found.features as unknown[] | undefined) ?? []), 'deprecated'];
  return {
    kind: 'deprecated-added',
    now: replace(expressions, found, { ...found, features }),
    of: found.command as string,
  };
};

/** What an expression names, except as a union's discriminator. */
function namesIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(namesIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    key === 'if' || key === 'features' || key === 'kind' ? [] : namesIn(item),
  );
}

/** The commands and events from which a definition is reached, found by nothing but names. */
export function reachedFrom(expressions: readonly Expression[], of: string): string[] {
  const uses = new Map<string, string[]>();
  for (const expression of expressions) {
    const [meta, name] = Object.entries(expression)[0] as [string, string];
    // The values of an enum name nothing.
    uses.set(name, meta === 'enum' ? [] : namesIn({ ...expression, [meta]: undefined }));
  }
  const reach = (from: string): boolean => {
    const seen = new Set([from]);
    for (const name of seen) for (const used of uses.get(name) ?? []) seen.add(used);
    return seen.has(of);
  };
  return expressions
    .flatMap(({ command, event }) => [command, event])
    .filter((name): name is string => typeof name === 'string' && (name === of || reach(name)))
    .sort();
}
