import { isJsonObject, type JsonObject, type JsonValue } from '../../json/value.js';

/**
 * Introspection data of what a server has: without the commands that are not there, and without the types that only those
 * lead to. What is not a list of entities stays as it is.
 *
 * @param isThere whether the server has a command
 */
export function offeredBy(data: JsonValue, isThere: (command: string) => boolean): JsonValue {
  if (!Array.isArray(data)) return data;
  const entities = new Map<string, JsonObject>();
  for (const entity of data) if (isJsonObject(entity)) entities.set(String(entity.name), entity);
  const kept = new Set<string>();
  const pending: string[] = [];
  for (const [name, entity] of entities) {
    const kind = entity['meta-type'];
    if (kind === 'event' || (kind === 'command' && isThere(name))) pending.push(name);
  }
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const entity = entities.get(name);
    if (entity === undefined || kept.has(name)) continue;
    kept.add(name);
    pending.push(...typesOf(entity));
  }
  return data.filter((entity) => !isJsonObject(entity) || kept.has(String(entity.name)));
}

/** The names of the types that an entity leads to. */
function typesOf(entity: JsonObject): string[] {
  const parts = [entity.members, entity.variants].flatMap((list) => (Array.isArray(list) ? list : []));
  return [
    ...[entity['arg-type'], entity['ret-type'], entity['element-type']],
    ...parts.map((part) => (isJsonObject(part) ? part.type : undefined)),
  ].filter((name) => typeof name === 'string');
}
