import type { Command } from '../../generator/schema/model.js';
import { parseJson } from '../../runtime/json/parse.js';
import type { JsonObject, JsonValue } from '../../runtime/json/value.js';
import { int64Of } from '../../runtime/visit/integer-range.js';
import { OptionError } from '../../runtime/visit/option-error.js';
import { readBoolean, readInteger, readSize } from '../../runtime/visit/scalar-text.js';
import { commonMembers } from '../../testkit/model-members.js';
import type { Knowledge } from './knowledge.js';
import { nearName } from './near-name.js';
import type { ParameterTree } from './parameters.js';

/** Commands that take more than they declare. Introspection does not tell, a schema does by `gen: false`. */
const FREE: ReadonlySet<string> = new Set(['device_add', 'netdev_add']);

/** Whether a command takes properties that the schema does not have: those of a device, for example. */
export function hasFreeProperties({ name, gen, arguments: type }: Command): boolean {
  return type?.kind === 'struct' && (!gen || FREE.has(name));
}

/** What a device is made of, as a person names it: the driver among the parameters of `device_add`. */
export const driverOf = ({ driver }: { readonly driver?: unknown }): string | undefined =>
  typeof driver === 'string' ? driver : undefined;

/**
 * The parameters that a command does not declare, as values: of the types that the driver's properties have where there is one, or
 * else as they look.
 *
 * @throws OptionError when a value is not of the type of its property, or the name of a property seems mistyped
 */
export async function readFreeProperties(
  { arguments: type }: Command,
  tree: { readonly [key: string]: ParameterTree },
  knowledge: Knowledge,
): Promise<JsonObject> {
  const declared = new Set(type?.kind === 'struct' ? commonMembers(type, () => true).map(({ name }) => name) : []);
  const others = Object.entries(tree).filter(([key]) => !declared.has(key));
  const driver = driverOf(tree);
  if (others.length === 0) return {};
  const properties = driver === undefined ? new Map<string, string>() : await knowledge.properties(driver);
  return Object.fromEntries(
    others.map(([key, value]) => {
      const known = properties.get(key);
      const near = known === undefined ? nearName(key, properties.keys()) : undefined;
      if (near !== undefined) throw new OptionError(`${driver} has no property '${key}': did you mean '${near}'?`, key);
      return [key, typeof value === 'string' ? propertyValue(value, key, known) : (value as JsonValue)];
    }),
  );
}

/** A text as a value of a type of QOM. */
function propertyValue(text: string, key: string, type: string | undefined): JsonValue {
  // Slot and function of a PCI device (05.0), whose type is said to be an integer, but a number is another address than its text.
  if (key === 'addr') return text;
  if (type === undefined) return guessed(text);
  if (type === 'bool') return readBoolean(text) ?? refuse(text, key, "'on' or 'off'");
  if (!/^u?int\d*$|^size$/.test(type)) return text;
  const value = text.startsWith('-') ? readInteger(text) : readSize(text);
  return value === undefined ? refuse(text, key, 'an integer') : int64Of(value);
}

/** Without a type, what is JSON is meant as such, and on and off are booleans. */
function guessed(text: string): JsonValue {
  try {
    return parseJson(text);
  } catch {
    return text === 'on' || text === 'off' ? text === 'on' : text;
  }
}

function refuse(text: string, key: string, expected: string): never {
  throw new OptionError(`'${key}': expected ${expected}, found "${text}"`, key);
}
