import { type ObjectOptions, visitThrottleLimits } from '../../../generated/index.js';
import type { Int64 } from '../../json/value.js';
import { decode } from '../../visit/codec.js';
import { limitNames, throttleConfigOf } from '../backend/throttle-config.js';
import type { ThrottleGroups } from '../backend/throttle-group.js';
import { BlockError } from '../error.js';
import { propertiesOf } from '../objects/object-types.js';
import type { UserObject } from '../objects/user-object.js';

/** The limits by name, in the order in which queries show them, with what they are when they were not given. */
const defaults: { readonly [name: string]: Int64 } = Object.fromEntries([
  ...limitNames.flatMap((name): [string, number][] => [
    [name, 0],
    [`${name}-max`, 0],
    [`${name}-max-length`, 1],
  ]),
  ['iops-size', 0],
]);

type ThrottleGroupOptions = Extract<ObjectOptions, { 'qom-type': 'throttle-group' }>;

/**
 * Makes a throttle group that exists without members. Its limits are given as a whole, or each as a property `x-…`.
 *
 * @throws BlockError when there is a group of that name, or the limits contradict each other
 */
export function makeThrottleGroup(groups: ThrottleGroups, options: ThrottleGroupOptions): UserObject {
  const { 'qom-type': type, id, limits: given = {}, ...single } = options;
  if (groups.has(id)) throw new BlockError(`A group with this name already exists: '${id}'`, { code: 'EEXIST' });
  const some = Object.entries(single).map(([name, value]): [string, Int64] => [name.replace(/^x-/, ''), value]);
  let limits = { ...defaults, ...Object.fromEntries(some), ...given };
  const config = throttleConfigOf(limits);
  const member = groups.join(id);
  member.group.configure(config);
  return {
    type,
    get properties() {
      const each = Object.entries(limits).map(([name, value]) => [`x-${name}`, value] as const);
      return propertiesOf(type, { ...Object.fromEntries(each), limits });
    },
    set(name, value) {
      if (name !== 'limits') throw new BlockError('Property cannot be set after initialization');
      const changed = { ...limits, ...decode(visitThrottleLimits, value, { root: name }) };
      member.group.configure(throttleConfigOf(changed));
      limits = changed;
    },
    inUse: () => member.group.size > 1,
    removed: () => member.leave(),
  };
}
