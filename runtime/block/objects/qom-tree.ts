import type { JsonValue } from '../../json/value.js';
import { QmpError } from '../../qmp/error.js';
import type { ObjectProperty } from './user-object.js';
import type { UserObjects } from './user-objects.js';

/** An object of the tree that `qom-list` walks. */
export interface QomNode {
  /** Its absolute path. */
  readonly path: string;
  readonly type: string;
  /** By name, `type` and children included. The value of a child is its path. */
  readonly properties: ReadonlyMap<string, ObjectProperty>;
  readonly children: ReadonlyMap<string, QomNode>;
  /** Changes a property that there is. Absent: none can be changed. @throws BlockError when the value makes no sense */
  readonly set?: ((name: string, value: JsonValue) => void | Promise<void>) | undefined;
}

/** A virtual device, as the tree shows it. */
export interface QomDevice extends Pick<QomNode, 'type' | 'set'> {
  readonly id: string;
  readonly properties: ReadonlyMap<string, ObjectProperty>;
}

/** What is in the tree. */
export interface QomSource {
  readonly objects: UserObjects;
  readonly devices: Iterable<QomDevice>;
}

/**
 * Finds an object by its path: an absolute one, `/objects/key`, or the end of one, `key`, if only one path ends so.
 *
 * @throws QmpError (`DeviceNotFound`) when there is none
 */
export function findByPath(source: QomSource, path: string): QomNode {
  const names = path.split('/').filter((name) => name !== '');
  const root = treeOf(source);
  const starts = path.startsWith('/') ? [root] : withDescendants(root);
  const found = starts.map((start) => descend(start, names)).filter((node) => node !== undefined);
  if (found.length > 1) throw new QmpError(`Path '${path}' is ambiguous: write an absolute one`);
  const [node] = found;
  if (node === undefined) throw new QmpError(`Device '${path}' not found`, { class: 'DeviceNotFound' });
  return node;
}

function treeOf({ objects, devices }: QomSource): QomNode {
  const made = [...objects.all].map(([id, object]) => leaf(`/objects/${id}`, object));
  const attached = Array.from(devices, (device) => leaf(`/machine/peripheral/${device.id}`, device));
  return container('/', [
    container('/objects', made),
    container('/machine', [container('/machine/peripheral', attached)]),
  ]);
}

function leaf(path: string, { type, properties, set }: Pick<QomNode, 'type' | 'properties' | 'set'>): QomNode {
  return { path, type, properties: withType(type, properties), children: new Map(), set };
}

function container(path: string, children: readonly QomNode[]): QomNode {
  const named = children.map((child): [string, QomNode] => [child.path.slice(child.path.lastIndexOf('/') + 1), child]);
  const links = named.map(([name, { type, path: value }]): [string, ObjectProperty] => [
    name,
    { type: `child<${type}>`, value },
  ]);
  return { path, type: 'container', properties: withType('container', links), children: new Map(named) };
}

function withType(type: string, properties: Iterable<readonly [string, ObjectProperty]>): QomNode['properties'] {
  return new Map([['type', { type: 'string', value: type }], ...properties]);
}

function withDescendants(node: QomNode): QomNode[] {
  return [node, ...[...node.children.values()].flatMap(withDescendants)];
}

function descend(start: QomNode, names: readonly string[]): QomNode | undefined {
  let node: QomNode | undefined = start;
  for (const name of names) node = node?.children.get(name);
  return node;
}
