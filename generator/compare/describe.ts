import type { BuiltinType, Member, Type } from '../schema/model.js';

/** A type in the words of a message. */
export function describeType(type: Type): string {
  switch (type.kind) {
    case 'builtin':
      return type.name;
    case 'array':
      return `array of ${describeType(type.element)}`;
    default:
      return type.implicit
        ? 'object'
        : `${type.kind === 'struct' || type.kind === 'union' ? 'object' : type.kind} ${type.name}`;
  }
}

/** A member in the words of a message. */
export function describeMember({ optional, type }: Member): string {
  return `${optional ? 'optional' : 'mandatory'} ${describeType(type)}`;
}

/** The range of an integer type. */
export function rangeOf({ range }: BuiltinType): { readonly min: bigint; readonly max: bigint } {
  return range ?? { min: -(1n << 63n), max: (1n << 63n) - 1n };
}

/** Names in a list, the first of them when there are many. */
export function listOf(names: readonly string[], most = 8): string {
  const shown = names.slice(0, most).map((name) => `'${name}'`);
  const rest = names.length - shown.length;
  return rest > 0 ? `${shown.join(', ')} and ${rest} more` : shown.join(', ');
}
