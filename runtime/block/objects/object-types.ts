import type { ObjectType } from '../../../generated/index.js';
import type { JsonValue } from '../../json/value.js';
import type { ObjectProperty } from './user-object.js';

/** A type of the tree of types that `qom-list-types` walks. */
export interface TypeInfo {
  readonly parent: string;
  /** There are no objects of it, only of types below it. */
  readonly abstract?: true;
  /** Its properties and their types, without those of its parent, and without `type`. */
  readonly properties?: { readonly [name: string]: string };
}

const endpoint = { endpoint: 'QCryptoTLSCredsEndpoint', dir: 'string', 'verify-peer': 'bool', priority: 'string' };

const limits = ['bps-total', 'bps-read', 'bps-write', 'iops-total', 'iops-read', 'iops-write'];
const throttleProperties = Object.fromEntries([
  ...limits.flatMap((name) => [name, `${name}-max`, `${name}-max-length`].map((each) => [`x-${each}`, 'int'])),
  ['x-iops-size', 'int'],
  ['limits', 'ThrottleLimits'],
]);

/** The types of objects, with the types of their properties as QEMU has them. */
const types: { readonly [name: string]: TypeInfo } = {
  container: { parent: 'object' },
  'memory-backend': {
    parent: 'object',
    abstract: true,
    properties: {
      share: 'bool',
      size: 'int',
      dump: 'bool',
      policy: 'HostMemPolicy',
      prealloc: 'bool',
      'host-nodes': 'int',
      merge: 'bool',
    },
  },
  'memory-backend-ram': { parent: 'memory-backend' },
  'memory-backend-file': {
    parent: 'memory-backend',
    properties: {
      align: 'int',
      offset: 'int',
      'discard-data': 'bool',
      'mem-path': 'string',
      readonly: 'bool',
      rom: 'OnOffAuto',
    },
  },
  'memory-backend-memfd': {
    parent: 'memory-backend',
    properties: { hugetlb: 'bool', hugetlbsize: 'int', seal: 'bool' },
  },
  'memory-backend-shm': { parent: 'memory-backend' },
  'event-loop-base': {
    parent: 'object',
    abstract: true,
    properties: { 'aio-max-batch': 'int', 'thread-pool-min': 'int', 'thread-pool-max': 'int' },
  },
  iothread: {
    parent: 'event-loop-base',
    properties: { 'poll-max-ns': 'int', 'poll-grow': 'int', 'poll-shrink': 'int', 'poll-weight': 'int' },
  },
  'main-loop': { parent: 'event-loop-base' },
  'throttle-group': { parent: 'object', properties: throttleProperties },
  secret_common: {
    parent: 'object',
    abstract: true,
    properties: { format: 'QCryptoSecretFormat', keyid: 'string', iv: 'string' },
  },
  secret: { parent: 'secret_common', properties: { file: 'string', data: 'string' } },
  'tls-creds': { parent: 'object', abstract: true, properties: endpoint },
  'tls-creds-psk': { parent: 'tls-creds', properties: { username: 'string' } },
  'tls-creds-x509': { parent: 'tls-creds', properties: { 'sanity-check': 'bool', passwordid: 'string' } },
  authz: { parent: 'object', abstract: true },
  'authz-simple': { parent: 'authz', properties: { identity: 'string' } },
  'authz-list': { parent: 'authz', properties: { policy: 'QAuthZListPolicy', rules: 'QAuthZListRule' } },
  'authz-listfile': { parent: 'authz', properties: { filename: 'string', refresh: 'bool' } },
};

/** What `object-add` makes has this interface. */
const creatable = 'user-creatable';

/** The type of a name, if there is one. */
export function typeNamed(name: string): TypeInfo | undefined {
  return Object.hasOwn(types, name) ? types[name] : undefined;
}

/**
 * The types that are, or are below, another one, or can be made by a user.
 *
 * @param implemented absent: all
 * @param abstract whether types without objects are among them
 */
export function typesOf(implemented: string | undefined, abstract: boolean): (readonly [string, TypeInfo])[] {
  return Object.entries(types).filter(
    ([name, type]) =>
      (abstract || type.abstract !== true) &&
      (implemented === undefined ||
        lineage(name).includes(implemented) ||
        (implemented === creatable && type.abstract !== true && name !== 'container')),
  );
}

/** The properties of a type and their types, its ancestors' first. */
export function propertyTypes(name: string): [string, string][] {
  return lineage(name)
    .reverse()
    .flatMap((ancestor) => Object.entries(typeNamed(ancestor)?.properties ?? {}));
}

/** The properties of an object. One without a value is secret. */
export function propertiesOf(
  type: ObjectType,
  values: { readonly [name: string]: JsonValue | undefined },
): Map<string, ObjectProperty> {
  return new Map(
    propertyTypes(type).map(([name, of]) => {
      const value = values[name];
      return [name, { type: of, ...(value === undefined ? {} : { value }) }];
    }),
  );
}

/** A type and all that it is below. */
function lineage(name: string): string[] {
  const found = [name];
  for (let type = typeNamed(name); type !== undefined; type = typeNamed(type.parent)) found.push(type.parent);
  return found;
}
