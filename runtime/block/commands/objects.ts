import type { CommandHandlers } from '../../../generated/index.js';
import { QmpError } from '../../qmp/error.js';
import { findByPath } from '../objects/qom-tree.js';
import type { UserObjects } from '../objects/user-objects.js';

type ObjectCommand = 'object-add' | 'object-del' | 'qom-list' | 'qom-get';

/** The handlers of the commands that make, remove and show objects. */
export function objectHandlers(objects: UserObjects): Pick<CommandHandlers, ObjectCommand> {
  return {
    'object-add': (options) => objects.add(options),
    'object-del': ({ id }) => objects.remove(id),
    'qom-list'({ path }) {
      const { properties } = findByPath(objects, path);
      return Array.from(properties, ([name, { type }]) => ({ name, type }));
    },
    'qom-get'({ path, property }) {
      const { type, properties } = findByPath(objects, path);
      const found = properties.get(property);
      if (found === undefined) throw new QmpError(`Property '${type}.${property}' not found`);
      if (found.value === undefined) throw new QmpError(`Property '${type}.${property}' is not readable`);
      return found.value;
    },
  };
}
