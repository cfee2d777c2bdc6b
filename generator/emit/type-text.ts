import type { BuiltinType, Type } from '../schema/model.js';
import { isEmpty } from './plan.js';
import type { FileScope } from './scope.js';

/** The type of an object without members. */
export const emptyObject = 'Record<string, never>';

/** A type as TypeScript writes it where it is used. `open` lets enums hold values that the schema does not know. */
export function typeText(scope: FileScope, type: Type, open = false): string {
  switch (type.kind) {
    case 'builtin':
      return builtinText(scope, type);
    case 'array':
      return `${typeText(scope, type.element, open)}[]`;
    case 'enum':
      return open ? `${scope.runtimeType('Open')}<${scope.type(type)}>` : scope.type(type);
    default:
      return scope.plan.names.isDeclared(type) || !isEmpty(type) ? scope.type(type) : emptyObject;
  }
}

/** A built-in type as TypeScript writes it. */
export function builtinText(scope: FileScope, type: BuiltinType): string {
  switch (type.json) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'null':
      return type.json;
    case 'value':
      return scope.runtimeType('JsonValue');
    case 'int':
      return isWide(type) ? int64Text(scope) : 'number';
  }
}

function int64Text(scope: FileScope): string {
  return scope.plan.options.int64 === 'union' ? scope.runtimeType('Int64') : scope.plan.options.int64;
}

/** Whether an integer type has values that a `number` cannot hold exactly. */
export function isWide(type: BuiltinType): boolean {
  return type.range !== undefined && type.range.max > Number.MAX_SAFE_INTEGER;
}
