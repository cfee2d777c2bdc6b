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
}

/**
 * Finds an object by its path: an absolute one, `/objects/key`, or the end of one, `key`, if only one path ends so.
 *
 * @throws QmpError (`DeviceNotFound`) when there is none
 */
export function findByPath(objects: UserObjects, path: string): QomNode {
  const names = path.split('/').filter((name) => name !== '');
  const root = treeOf(objects);
  const starts = path.startsWith('/') ? [root] : withDescendants(root);
  const found = starts.map((start) => descend(start, names)).filter((node) => node !== undefined);
  if (found.length > 1) throw new QmpError(`Path '${path}' is ambiguous: write an absolute one`);
  const [node] = found;
  if (node === undefined) throw new QmpError(`Device '${path}' not found`, { class: 'DeviceNotFound' });
  return node;
}

function treeOf({ all }: UserObjects): QomNode {
  const objects = [...all].map(([id, { type, properties }]): [string, QomNode] => [
    id,
    { path: `/objects/${id}`, type, properties: withType(type, properties), children: new Map() },
  ]);
  return container('/', [['objects', container('/objects', objects)]]);
}

function container(path: string, entries: readonly (readonly [string, QomNode])[]): QomNode {
  const links = entries.map(([name, child]): [string, ObjectProperty] => [
    name,
    { type: `child<${child.type}>`, value: child.path },
  ]);
  return { path, type: 'container', properties: withType('container', links), children: new Map(entries) };
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
