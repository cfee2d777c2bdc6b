import type { BuiltinType, Type } from '../schema/model.js';
import type { Int64Mode } from './options.js';
import { isEmpty } from './plan.js';
import type { FileScope } from './scope.js';

/** The type of an object without members. */
export const emptyObject = 'Record<string, never>';

/** A type as TypeScript writes it where it is used. `open` lets enums hold values that the schema does not know. */
export function typeText(scope: FileScope, type: Type, open = false): string {
  switch (type.kind) {
    case 'builtin':
      return builtinText(scope, type, scope.plan.options.int64);
    case 'array':
      return `${typeText(scope, type.element, open)}[]`;
    case 'enum':
      return open ? `${scope.runtimeType('Open')}<${scope.type(type)}>` : scope.type(type);
    default:
      return scope.plan.names.isDeclared(type) || !isEmpty(type) ? scope.type(type) : emptyObject;
  }
}

/** A file that names what it uses of the runtime. */
interface RuntimeUser {
  runtimeType(name: 'Int64' | 'JsonValue'): string;
}

/** A built-in type as TypeScript writes it. */
export function builtinText(scope: RuntimeUser, type: BuiltinType, int64: Int64Mode): string {
  switch (type.json) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'null':
      return type.json;
    case 'value':
      return scope.runtimeType('JsonValue');
    case 'int':
      if (!isWide(type)) return 'number';
      return int64 === 'union' ? scope.runtimeType('Int64') : int64;
  }
}

/** Whether an integer type has values that a `number` cannot hold exactly. */
export function isWide(type: BuiltinType): boolean {
  return type.range !== undefined && type.range.max > Number.MAX_SAFE_INTEGER;
}
