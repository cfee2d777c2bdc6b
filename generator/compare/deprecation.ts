import type { Command, Event, Feature, Member, Schema, Type } from '../schema/model.js';
import { type Shape, shapeOf, shapesByValue } from '../schema/shapes.js';
import type { Change } from './change.js';

/** A release before the one that clients were written for. */
export interface EarlierRelease {
  readonly name: string;
  readonly schema: Schema;
}

/** How a message says that a change was announced. */
const mark = 'it was deprecated';

/**
 * Says of each change that was announced since when: the first release of the history from which on the element was marked as deprecated.
 *
 * @param changes what changes from `old` on
 * @param history the releases before `old`, oldest first
 */
export function withDeprecationSince(
  changes: readonly Change[],
  history: readonly EarlierRelease[],
  old: EarlierRelease,
): Change[] {
  return changes.map((change) => {
    if (!change.deprecated || !change.message.includes(mark)) return change;
    const since = sinceWhen(change, history, old.name);
    return { ...change, deprecatedSince: since, message: change.message.replace(mark, `${mark} since ${since}`) };
  });
}

function sinceWhen(change: Change, history: readonly EarlierRelease[], old: string): string {
  let since = old;
  for (const { name, schema } of history.toReversed()) {
    if (!change.uses.some(({ entity, path }) => isDeprecated(schema, entity, path, change.old ?? ''))) return since;
    since = name;
  }
  return history.length > 0 ? `${since} or before` : since;
}

/** Whether something is marked as deprecated, itself or by what contains it. */
function isDeprecated(schema: Schema, name: string, path: string, value: string): boolean {
  const entity = schema.lookup(name);
  if (entity?.kind !== 'command' && entity?.kind !== 'event') return false;
  if (isMarked(entity)) return true;
  const [, root = '', rest = ''] = /^(arguments|returns|data)\.?(.*)$/.exec(path) ?? [];
  const type = rootOf(entity, root);
  return type !== undefined && isMarkedWithin(type, rest, value);
}

function rootOf(entity: Command | Event, root: string): Type | undefined {
  return root === 'returns' ? (entity.kind === 'command' ? entity.returns : undefined) : entity.arguments;
}

/** Whether the path from a type on meets a mark. */
function isMarkedWithin(type: Type, path: string, value: string): boolean {
  if (type.kind === 'array') return isMarkedWithin(type.element, path.replace(/^\[\]\.?/, ''), value);
  if (type.kind === 'alternate') return type.branches.some((branch) => isMarkedWithin(branch.type, path, value));
  if (isMarked(type)) return true;
  if (type.kind === 'enum')
    return path === '' && type.members.some((member) => member.name === value && isMarked(member));
  if (type.kind === 'builtin' || path === '') return false;
  return membersIn(shapeOf(type)).some((member) => {
    // A name can hold a dot.
    if (!path.startsWith(member.name)) return false;
    const rest = path.slice(member.name.length);
    if (rest !== '' && !/^(\.|\[\])/.test(rest)) return false;
    return isMarked(member) || isMarkedWithin(member.type, rest.replace(/^\./, ''), value);
  });
}

function membersIn(shape: Shape): Member[] {
  const branches = [...shapesByValue(shape).values()].flatMap(membersIn);
  return [...new Set([...shape.members.values(), ...branches])];
}

function isMarked({ features }: { readonly features: readonly Feature[] }): boolean {
  return features.some(({ name }) => name === 'deprecated');
}
