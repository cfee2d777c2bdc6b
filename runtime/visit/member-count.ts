/**
 * How many members an object has, those that are `undefined` included. It may count too many where a program has extended
 * `Object.prototype`.
 *
 * `for … in` makes no list of names, unlike `Object.keys`.
 */
export function memberCount(object: object): number {
  let count = 0;
  for (const _name in object) count++;
  return count;
}
