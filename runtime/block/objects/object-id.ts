/**
 * Whether no new object may have an id. Beside the ids in use that is `type`: the container of the objects has a property of its own
 * of that name.
 */
export function isObjectIdTaken(id: string, used: { has(id: string): boolean }): boolean {
  return id === 'type' || used.has(id);
}
