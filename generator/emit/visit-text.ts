import type { BuiltinType, Type } from '../schema/model.js';
import { isEmpty } from './plan.js';
import type { RuntimeExport } from './runtime-exports.js';
import type { FileScope } from './scope.js';
import { isWide } from './type-text.js';

/** The call that visits a value of a type, with the visitor in `v`. `value` and `name` are expressions. */
export function visitCall(scope: FileScope, type: Type, value: string, name: string): string {
  if (type.kind === 'array') return `v.list(${value}, ${name}, ${visitFunction(scope, type.element)})`;
  if (type.kind === 'builtin' && !isConverted(scope, type)) return `v.${methodName(type)}(${value}, ${name})`;
  return `${visitFunction(scope, type)}(v, ${value}, ${name})`;
}

/** A function that visits a value of a type. */
export function visitFunction(scope: FileScope, type: Type): string {
  switch (type.kind) {
    case 'array':
      return `(v, value, name) => ${visitCall(scope, type, 'value', 'name')}`;
    case 'builtin':
      return builtinFunction(scope, type);
    default:
      return scope.plan.names.isDeclared(type) || !isEmpty(type)
        ? scope.visitor(type)
        : scope.runtimeValue('visitEmpty');
  }
}

function builtinFunction(scope: FileScope, type: BuiltinType): string {
  const method = methodName(type);
  const suffix = { union: '', bigint: 'AsBigint', number: 'AsNumber' }[
    isWide(type) ? scope.plan.options.int64 : 'union'
  ];
  const name = `visit${method.charAt(0).toUpperCase()}${method.slice(1)}${suffix}`;
  return scope.runtimeValue(name as RuntimeExport);
}

/** Whether an integer type appears as something else than visitors make of it. */
function isConverted(scope: FileScope, type: BuiltinType): boolean {
  return scope.plan.options.int64 !== 'union' && isWide(type);
}

/** The visitor's method for a built-in type. */
function methodName(type: BuiltinType): string {
  if (type.json === 'value') return 'any';
  return type.name === 'int' ? 'int64' : type.name;
}
