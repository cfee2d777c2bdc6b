import type { Feature, Member, ObjectType, UnionType } from '../schema/model.js';
import { stringLiteral } from './identifier.js';
import { isEmpty } from './plan.js';
import type { FileScope } from './scope.js';
import membersFunction from './templates/members.hbs';
import { visitCall } from './visit-text.js';

/** A function that visits members of an object and returns how many there are. */
interface MembersFunction {
  readonly name: string;
  readonly exported?: boolean;
  /** The function that visits the members that come before. */
  readonly first?: string | undefined;
  readonly members: readonly Member[];
  /** What an object with certain values of the tag has more. */
  readonly branches?: readonly Branch[];
  /** The tag, once the members have been visited. */
  readonly tag?: string;
  /** The function that visits the members that come after, where no branch does. */
  readonly last?: string | undefined;
}

/** A branch that adds members, or several that add the same. */
interface Branch {
  readonly values: string[];
  /** The members of a simple union's wrapper. */
  readonly members: readonly Member[];
  /** The function that visits the members of a flat union's branch. */
  readonly last?: string;
}

/** The functions that visit the members of an object type. */
export function membersText(scope: FileScope, type: ObjectType): string {
  const functions =
    type.kind === 'union' && isSplit(scope, type) ? splitUnion(scope, type) : [objectFunction(scope, type)];
  return functions.map((described) => membersFunction(context(scope, described))).join('\n');
}

function objectFunction(scope: FileScope, type: ObjectType): MembersFunction {
  return {
    name: scope.plan.names.members(type),
    exported: true,
    first: type.base && membersOf(scope, type.base),
    members: type.members,
    ...(type.kind === 'union' && { tag: access(type.tag.name), branches: branchesOf(scope, type) }),
  };
}

/**
 * Whether the functions of a union are written out for each branch. Objects of one branch mostly have the same members, and an
 * engine is much faster at finding members where all objects that it sees have them at the same places. So what can be known of
 * the branch is made use of as early as possible: right after the tag. Only members that stand in the union itself are repeated.
 */
function isSplit(scope: FileScope, union: UnionType): boolean {
  return scope.plan.names.rest(union) !== undefined && union.branches.some((branch) => !isEmpty(branch.type));
}

function splitUnion(scope: FileScope, union: UnionType): MembersFunction[] {
  const { names } = scope.plan;
  const common = union.base?.members ?? [];
  const afterTag = common.indexOf(union.tag) + 1;
  const rest = common.slice(afterTag);
  const name = names.rest(union);
  const functions: MembersFunction[] = [];
  const branches = branchesOf(scope, union).map((branch): Branch => {
    const representative = union.branches.find((candidate) => candidate.name === branch.values[0]);
    const last = (representative && names.rest(representative)) ?? '';
    functions.push({ name: last, members: rest, last: branch.last });
    return { ...branch, last };
  });
  return [
    {
      name: names.members(union),
      exported: true,
      members: common.slice(0, afterTag),
      tag: specialFeatures(union.tag.features) === '' ? 'result' : access(union.tag.name),
      branches,
      last: name,
    },
    { name: name ?? '', members: rest },
    ...functions,
  ];
}

/** The branches that add members; those that share a type share the code. */
function branchesOf(scope: FileScope, union: UnionType): Branch[] {
  const byType = new Map<ObjectType, Branch>();
  for (const { name, type } of union.branches) {
    if (isEmpty(type)) continue;
    const known = byType.get(type);
    if (known) known.values.push(name);
    else if (union.simple) byType.set(type, { values: [name], members: type.members });
    else byType.set(type, { values: [name], members: [], last: scope.members(type) });
  }
  return [...byType.values()];
}

function membersOf(scope: FileScope, type: ObjectType): string | undefined {
  return isEmpty(type) ? undefined : scope.members(type);
}

function context(scope: FileScope, described: MembersFunction): object {
  const { name, first, members, branches = [], last } = described;
  // Variables that get one value are constants: after the members comes one branch at most.
  const most = members.length + Math.max(0, ...branches.map((branch) => branch.members.length));
  const hasVariables = most > 1;
  const declare = hasVariables ? '' : 'const ';
  const field = (member: Member): FieldContext => ({ ...fieldContext(scope, member), declare });
  const fields = members.map(field);
  const mandatory = fields.filter((field) => field.condition === '').length;
  const start = sum(first && `${first}(v, o)`, mandatory > 0 || !first ? String(mandatory) : undefined);
  const grows = fields.length > mandatory;
  // Where nothing comes between, the count needs no variable.
  const isNamed = grows || (first !== undefined && (fields.length > 0 || branches.length > 0 || last !== undefined));
  const count = isNamed ? 'count' : start;
  const isUsed = fields.length > 0 || first !== undefined || branches.length > 0;
  return {
    exported: described.exported,
    name,
    parameters: isUsed ? `v: ${scope.runtimeType('Visitor')}, o: ${scope.runtimeType('Members')}` : '',
    hasVariables,
    declaration: isNamed && (grows ? 'let' : 'const'),
    start,
    fields,
    tag: described.tag,
    branches: branches.map((branch) => {
      const isBlock = branch.members.length > 0 && !hasVariables;
      const last = branch.values.length - 1;
      return {
        cases: branch.values.map((value, index) => `${stringLiteral(value)}:${isBlock && index === last ? ' {' : ''}`),
        isBlock,
        fields: branch.members.map(field),
        count: branch.last ? sum(count, `${branch.last}(v, o)`) : String(members.length + branch.members.length),
      };
    }),
    count: sum(count, last && `${last}(v, o)`),
  };
}

/** The sum of counts, without those that are not there. */
function sum(...counts: (string | undefined)[]): string {
  return counts.filter((count) => count !== undefined).join(' + ');
}

interface FieldContext {
  /** What its variables are declared with where they stand. */
  readonly declare: string;
  readonly read: string;
  readonly access: string;
  readonly visit: string;
  /** When the member is visited, and counted; empty when it always is. */
  readonly condition: string;
  /** What happens when it is not. */
  readonly otherwise: string;
}

function fieldContext(scope: FileScope, member: Member): Omit<FieldContext, 'declare'> {
  const name = stringLiteral(member.name);
  const place = access(member.name);
  const features = specialFeatures(member.features);
  const admitted = features && `v.admits(member, ${name}, [${features}])`;
  const there = member.optional ? 'member !== undefined' : '';
  return {
    read: inherited.has(member.name) ? `${scope.runtimeValue('own')}(o, ${name})` : place,
    access: place,
    visit: visitCall(scope, member.type, 'member', name),
    condition:
      member.optional || !admitted
        ? [there, admitted].filter(Boolean).join(' && ')
        : `member === undefined || ${admitted}`,
    otherwise: admitted && ` else ${there && `if (${there}) `}${place} = undefined;`,
  };
}

/** Names under which every object inherits something. */
const inherited = new Set(Object.getOwnPropertyNames(Object.prototype));

function access(name: string): string {
  return `o[${stringLiteral(name)}]`;
}

/** The features of a member that are passed to visitors. */
export function specialFeatures(features: readonly Feature[]): string {
  return features
    .filter(({ name }) => name === 'deprecated' || name === 'unstable')
    .map(({ name }) => stringLiteral(name))
    .join(', ');
}
