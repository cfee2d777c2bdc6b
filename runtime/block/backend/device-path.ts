/** Where the tree of objects has the virtual devices, by their ids. */
export const devicePath = '/machine/peripheral/';

/** The path of the part of a virtio device that works on requests. Absent: the device is one object. */
export function backendPath(model: string, id: string): string | undefined {
  if (!model.startsWith('virtio-') || model.endsWith('-device')) return undefined;
  return `${devicePath}${id}/virtio-backend`;
}
