import { deviceNotFound, invalid } from '../error.js';
import type { Backend } from './backend.js';

/** The named backends there are. */
export interface Backends {
  backend(name: string): Backend | undefined;
  readonly backends: Iterable<Backend>;
}

/** How a command names a backend: by itself, or by the device that is attached to it. */
export interface BackendArguments {
  readonly device?: string;
  readonly id?: string;
}

/**
 * The backend that a command is about.
 *
 * @throws BlockError when not exactly one name is given; of the class `DeviceNotFound` when there is none of that name
 */
export function findBackend(backends: Backends, { device, id }: BackendArguments): Backend {
  if ((device === undefined) === (id === undefined)) {
    throw invalid("Exactly one of 'device' and 'id' must be given");
  }
  const found = device === undefined ? withDevice(backends, id ?? '') : backends.backend(device);
  if (found !== undefined) return found;
  throw deviceNotFound(device ?? id ?? '');
}

/** An id, or a path, of which a virtio device has one more for what its disk belongs to. */
const idOrPath = /^(?:\/machine\/peripheral\/)?([^/]+)(?:\/virtio-backend)?$/;

/** The backend that the device of an id or a path is attached to, if there is one. */
export function withDevice({ backends }: Pick<Backends, 'backends'>, name: string): Backend | undefined {
  const id = idOrPath.exec(name)?.[1];
  for (const backend of backends) if (backend.device !== undefined && backend.device.id === id) return backend;
  return undefined;
}
