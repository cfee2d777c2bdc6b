import { randomBytes } from 'node:crypto';
import type { Child, NodeView } from '../../driver.js';
import { BlockError } from '../../error.js';
import { beside } from '../shared/beside.js';
import {
  type Descriptor,
  descriptorText,
  isPrintable,
  longestDescriptor,
  parseDescriptor,
  withCid,
} from './descriptor.js';
import { headerLength, hostedMark, markOf, readHostedHeader } from './sparse-header.js';

/** The text that describes an image, and where it is. */
export interface PlacedDescriptor extends Descriptor {
  readonly text: string;
  readonly offset: number;
  /** Bytes that there are for it. Absent: it is a file of its own. */
  readonly room: number | undefined;
}

/** Reads the descriptor of a file: all of it, or what its header points at. Nothing where there is none. */
export async function readDescriptor(file: Child): Promise<PlacedDescriptor | undefined> {
  const head = new Uint8Array(headerLength);
  await file.read(0, head);
  const place = markOf(head) === hostedMark ? (await readHostedHeader(file)).descriptor : undefined;
  if (markOf(head) === hostedMark && place === undefined) return undefined;
  const { offset, length } = place ?? { offset: 0, length: file.node.length };
  const bytes = new Uint8Array(Math.max(0, Math.min(length, longestDescriptor, file.node.length - offset)));
  if (bytes.length > 0) await file.read(offset, bytes);
  const text = descriptorText(bytes);
  return { ...parseDescriptor(text), text, offset, room: place?.length };
}

/** Gives the contents a new id, on the disk: they are about to change. @returns the id */
export async function renewCid(file: Child, descriptor: PlacedDescriptor): Promise<PlacedDescriptor> {
  const cid = randomBytes(4).readUInt32LE();
  const text = withCid(descriptor.text, cid);
  if (text === undefined) return descriptor;
  const bytes = Buffer.from(text, 'latin1');
  if (descriptor.room !== undefined && bytes.length > descriptor.room) {
    throw new BlockError('vmdk: The descriptor does not fit into the image', { code: 'ENOSPC' });
  }
  await file.write(descriptor.offset, bytes);
  await file.flush();
  return { ...descriptor, text, cid };
}

/** The content id of a backing file. Nothing where it is in another format. */
export async function cidOf({ driver, children }: NodeView): Promise<number | undefined> {
  const file = children.get('file');
  if (driver.name !== 'vmdk' || file === undefined) return undefined;
  return (await readDescriptor(file))?.cid;
}

/**
 * The name of an extent's file, seen from where we are. It is always a path beside the descriptor, or from the root, whatever it looks
 * like: nothing that an image says makes the server talk to others.
 *
 * @param descriptor the descriptor's own file name
 * @throws BlockError (EINVAL) when it has no folder, or the name cannot be one
 */
export function extentName(descriptor: string, name: string): string {
  if (!isPrintable(name)) throw new BlockError('vmdk: The name of an extent is not a file name', { code: 'EINVAL' });
  return beside(descriptor, name, 'extent');
}
