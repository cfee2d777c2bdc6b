import type { Backend } from '../backend/backend.js';
import type { VirtualDevice } from '../backend/virtual-device.js';
import type { Drives } from '../drive/drives.js';
import { invalid } from '../error.js';
import type { BlockGraph } from '../graph/graph.js';
import type { QomDevice, QomSource } from '../objects/qom-tree.js';
import type { UserObjects } from '../objects/user-objects.js';

/** What the tree of objects shows: the objects of users, and below `/machine/peripheral` the virtual devices. */
export function qomSource(objects: UserObjects, graph: BlockGraph, drives: Drives): QomSource {
  return {
    objects,
    get devices() {
      const disks = [...drives.backends].flatMap((backend) =>
        backend.device === undefined ? [] : [described(backend, backend.device, graph, drives)],
      );
      return [...disks, ...Array.from(drives.controllers, ([id, model]) => controller(id, model))];
    },
  };
}

function controller(id: string, type: string): QomDevice {
  return {
    id,
    type,
    properties: new Map([['realized', { type: 'bool', value: true }]]),
    set: (name) => Promise.reject(invalid(`Property '${type}.${name}' is not writable`)),
  };
}

function described(backend: Backend, device: VirtualDevice, graph: BlockGraph, drives: Drives): QomDevice {
  const { id, model, shareWrites } = device;
  return {
    id,
    type: model,
    properties: new Map([
      // A backend with a name is shown by that, as in QEMU.
      ['drive', { type: 'str', value: backend.name || (graph.mediumOf(backend)?.name ?? '') }],
      ['share-rw', { type: 'bool', value: shareWrites }],
      ['realized', { type: 'bool', value: true }],
    ]),
    async set(name, value) {
      if (name !== 'drive') throw invalid(`Property '${model}.${name}' is not writable`);
      if (typeof value !== 'string') throw invalid("Invalid parameter type for 'drive', expected: string");
      await graph.turns.run(() => drives.changeNode(id, value));
    },
  };
}
