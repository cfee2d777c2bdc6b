import { QmpError } from '../../qmp/error.js';
import { propertyTypes, typeNamed, typesOf } from '../objects/object-types.js';
import { findByPath, type QomNode, type QomSource } from '../objects/qom-tree.js';
import type { UserObjects } from '../objects/user-objects.js';
import type { BlockHandlers } from './handlers.js';

/** The handlers of the commands that make, remove, show and change objects. */
export function objectHandlers(objects: UserObjects, source: QomSource) {
  const list = ({ properties }: QomNode) => Array.from(properties, ([name, { type }]) => ({ name, type }));
  return {
    'object-add': (options) => objects.add(options),

    'object-del': ({ id }) => objects.remove(id),

    'qom-list': ({ path }) => list(findByPath(source, path)),

    'qom-get'({ path, property }) {
      const { type, properties } = findByPath(source, path);
      const found = properties.get(property);
      if (found === undefined) throw new QmpError(`Property '${type}.${property}' not found`);
      if (found.value === undefined) throw new QmpError(`Property '${type}.${property}' is not readable`);
      return found.value;
    },

    async 'qom-set'({ path, property, value }) {
      const { type, properties, set } = findByPath(source, path);
      const found = properties.get(property);
      if (found === undefined) throw new QmpError(`Property '${type}.${property}' not found`);
      if (property === 'type' || set === undefined) {
        throw new QmpError(`Property '${type}.${property}' is not writable`);
      }
      await set(property, value);
    },

    'qom-list-types': ({ implements: implemented, abstract = false }) =>
      typesOf(implemented, abstract).map(([name, { parent, abstract: none }]) => ({
        name,
        parent,
        ...(none && { abstract: none }),
      })),

    'qom-list-properties'({ typename }) {
      if (typeNamed(typename) === undefined) {
        throw new QmpError(`Class '${typename}' not found`, { class: 'DeviceNotFound' });
      }
      return [['type', 'string'] as const, ...propertyTypes(typename)].map(([name, type]) => ({ name, type }));
    },

    'qom-list-get': ({ paths }) =>
      paths.map((path) => ({
        properties: Array.from(findByPath(source, path).properties, ([name, { type, value }]) => ({
          name,
          type,
          ...(value !== undefined && { value }),
        })),
      })),
  } satisfies Partial<BlockHandlers>;
}
