import type { Type } from '../../generator/schema/model.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../runtime/json/value.js';
import { branchesOf, commonMembers } from '../model-members.js';
import type { Values } from '../values.js';

/**
 * A value of the wire as a schema has it, whatever its release: without the members that its type does not have, and with values
 * by the schema for those that must be there.
 */
export function fitted(type: Type, value: JsonValue, values: Values): JsonValue {
  if (type.kind === 'array' && Array.isArray(value)) return value.map((item) => fitted(type.element, item, values));
  if ((type.kind !== 'struct' && type.kind !== 'union') || !isJsonObject(value)) return value;
  const object: JsonObject = {};
  for (const member of commonMembers(type, () => true)) {
    const given = value[member.name];
    if (given !== undefined) object[member.name] = fitted(member.type, given, values);
    else if (!member.optional) object[member.name] = values.of(member.type, member.name) ?? null;
  }
  if (type.kind === 'struct') return object;
  const branch = branchesOf(type, () => true).find(({ name }) => name === object[type.tag.name]);
  return branch ? { ...object, ...(fitted(branch.type, value, values) as JsonObject) } : object;
}
