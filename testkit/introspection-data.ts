import { isJsonObject, type JsonValue } from '../runtime/json/value.js';

type Rule = (value: JsonValue | undefined) => boolean;

const text: Rule = (value) => typeof value === 'string';
const listOf =
  (item: Rule): Rule =>
  (value) =>
    Array.isArray(value) && value.every(item);
const objectWith =
  (...members: string[]): Rule =>
  (value) =>
    isJsonObject(value) && members.every((member) => text(value[member]));
const optional =
  (rule: Rule): Rule =>
  (value) =>
    value === undefined || rule(value);

/** What the entities of each meta-type have that everything depends on. */
const rules: Readonly<Record<string, Readonly<Record<string, Rule>>>> = {
  builtin: { 'json-type': text },
  enum: { values: listOf(text), members: optional(listOf(objectWith('name'))) },
  array: { 'element-type': text },
  object: {
    members: listOf(objectWith('name', 'type')),
    tag: optional(text),
    variants: optional(listOf(objectWith('case', 'type'))),
  },
  alternate: { members: listOf(objectWith('type')) },
  command: { 'arg-type': text, 'ret-type': text },
  event: { 'arg-type': text },
};

/** What is wrong with the reply to `query-qmp-schema`; undefined when it can be read. */
export function complaintAboutIntrospection(value: JsonValue): string | undefined {
  if (!Array.isArray(value)) return 'it is not a list';
  for (const [index, entity] of value.entries()) {
    const info = isJsonObject(entity) ? entity : {};
    const { name, 'meta-type': metaType } = info;
    if (typeof name !== 'string') return `its element ${index} has no name`;
    if (typeof metaType !== 'string' || !Object.hasOwn(rules, metaType)) return `'${name}' has no known meta-type`;
    const wrong = Object.entries(rules[metaType] ?? {}).find(([key, rule]) => !rule(info[key]));
    if (wrong) return `'${name}' has no valid '${wrong[0]}'`;
  }
  return undefined;
}
