import type { Child } from '../../driver.js';
import { BlockError } from '../../error.js';
import { largestSize, sectorSize } from '../../limits.js';
import { getUint64, viewOf } from '../shared/big-endian.js';

const trailerLength = 512;
/** The trailer begins in one of so many bytes: some programs append a little to an image. */
const searched = 512;
const magic = 'koly';

/** A part of the file. */
export interface Fork {
  readonly offset: number;
  readonly length: number;
}

/** What stands at the end of an image. */
export interface Trailer {
  /** Where the data is that tables of chunks count from. */
  readonly dataFork: number;
  /** A resource fork of classic Mac OS; empty in newer images. */
  readonly resources: Fork;
  /** A property list in XML. */
  readonly list: Fork;
  /** Bytes of the disk. */
  readonly size: number;
}

/** @throws BlockError (EINVAL) when it is no image, or an impossible one */
export async function readTrailer(file: Child): Promise<Trailer> {
  const { length } = file.node;
  const start = Math.max(0, length - trailerLength - searched + 1);
  const end = Buffer.alloc(Math.min(length, trailerLength + searched - 1));
  await file.read(start, end);
  const at = end.indexOf(magic, 'latin1');
  if (at < 0 || at + trailerLength > end.length) throw wrong("it has no trailer ('koly')");
  const view = viewOf(end.subarray(at, at + trailerLength));
  const before = start + at;
  const dataFork = getUint64(view, 0x18);
  const resources = forkAt(view, 0x28, before, 'resource fork');
  const list = forkAt(view, 0xd8, before, 'property list');
  if (dataFork > before) throw wrong('its data fork is beyond its end');
  const sectors = getUint64(view, 0x1ec);
  if (sectors > largestSize / sectorSize) throw new BlockError('dmg: The disk is too large', { code: 'EFBIG' });
  return { dataFork, resources, list, size: sectors * sectorSize };
}

function forkAt(view: DataView, at: number, limit: number, name: string): Fork {
  const fork = { offset: getUint64(view, at), length: getUint64(view, at + 8) };
  if (fork.offset + fork.length > limit) throw wrong(`its ${name} is beyond its end`);
  return fork;
}

/** An error that says what is wrong with an image. */
export function wrong(what: string): BlockError {
  return new BlockError(`Invalid dmg image: ${what}`, { code: 'EINVAL' });
}
