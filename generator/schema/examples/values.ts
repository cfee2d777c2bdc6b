import type { AlternateType, BuiltinType, Member, ObjectType, Type } from '../model.js';
import { type Shape, shapeOf, shapeWith } from '../shapes.js';

/** How a value is looked at. */
export interface ValueRules {
  /** Whether members that the schema does not know are fine: where the server does not check arguments. */
  readonly open: boolean;
}

/** What is wrong with a value as JSON has it, at the first place that is wrong; undefined when nothing is. */
export function faultOf(value: unknown, type: Type, path: string, rules: ValueRules): string | undefined {
  switch (type.kind) {
    case 'builtin':
      return builtinFault(value, type, path);
    case 'enum': {
      const names = type.members.map(({ name }) => name);
      if (typeof value === 'string' && names.includes(value)) return undefined;
      return `${path} is ${shown(value)}, which is no value of '${type.name}'`;
    }
    case 'array': {
      if (!Array.isArray(value)) return mismatch(value, 'an array', path);
      return firstOf(value.map((item, index) => () => faultOf(item, type.element, `${path}[${index}]`, rules)));
    }
    case 'alternate':
      return alternateFault(value, type, path, rules);
    default:
      return objectFault(value, type, path, rules);
  }
}

function builtinFault(value: unknown, { json, name, range }: BuiltinType, path: string): string | undefined {
  switch (json) {
    case 'value':
      return undefined;
    case 'null':
      return value === null ? undefined : mismatch(value, 'null', path);
    case 'int': {
      if (typeof value !== 'number' || !Number.isInteger(value)) return mismatch(value, 'an integer', path);
      if (!range || (value >= Number(range.min) && value <= Number(range.max))) return undefined;
      return `${path} is ${value}, which '${name}' does not hold`;
    }
    default:
      return typeof value === json ? undefined : mismatch(value, `a ${json}`, path);
  }
}

function alternateFault(
  value: unknown,
  { name, branches }: AlternateType,
  path: string,
  rules: ValueRules,
): string | undefined {
  const chosen = chosenType({ branches }, value);
  return chosen ? faultOf(value, chosen, path, rules) : `${path} is ${shown(value)}, which is no choice of '${name}'`;
}

/** The type that a value of an alternate has; undefined when it is no choice of it. */
export function chosenType({ branches }: Pick<AlternateType, 'branches'>, value: unknown): Type | undefined {
  return branches.find(({ type }) => kindOf(type) === kindOfValue(value))?.type;
}

/** The members that an object has, by the values of its discriminators; as far as these select branches. */
export function membersOf(given: object, type: ObjectType): ReadonlyMap<string, Member> {
  let shape = shapeOf(type);
  while (shape.union) {
    const branch = shapeWith(shape, (given as Readonly<Record<string, unknown>>)[shape.union.tag.name]);
    if (!branch) break;
    shape = branch;
  }
  return shape.members;
}

function kindOf(type: Type): string {
  if (type.kind === 'builtin') return type.json === 'int' ? 'number' : type.json;
  return type.kind === 'enum' ? 'string' : type.kind === 'array' ? 'array' : 'object';
}

function kindOfValue(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
}

function objectFault(value: unknown, type: ObjectType, path: string, rules: ValueRules): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return mismatch(value, 'an object', path);
  const given = value as Readonly<Record<string, unknown>>;
  let shape: Shape = shapeOf(type);
  for (let { union } = shape; union; { union } = shape) {
    const { name } = union.tag;
    if (!Object.hasOwn(given, name)) return `${path} has no '${name}'`;
    const branch = shapeWith(shape, given[name]);
    if (!branch) return `${at(path, name)} is ${shown(given[name])}, which selects no branch`;
    shape = branch;
  }
  const { members } = shape;
  const unknown = rules.open ? undefined : Object.keys(given).find((key) => !members.has(key));
  if (unknown !== undefined) return `${path} has '${unknown}', which is no member of it`;
  return firstOf(
    [...members.values()].map((member) => () => {
      if (Object.hasOwn(given, member.name)) {
        return faultOf(given[member.name], member.type, at(path, member.name), rules);
      }
      return member.optional ? undefined : `${path} has no '${member.name}'`;
    }),
  );
}

function firstOf(checks: readonly (() => string | undefined)[]): string | undefined {
  for (const check of checks) {
    const fault = check();
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function at(path: string, name: string): string {
  return `${path}.${name}`;
}

function mismatch(value: unknown, expected: string, path: string): string {
  return `${path} is ${shown(value)} instead of ${expected}`;
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'string' ? `the string '${value}'` : String(value);
}
