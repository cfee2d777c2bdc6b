import { Parts } from '../../shared/parts.js';
import { further, type GuestOffset, type HostOffset } from '../format/units.js';
import { l2Table } from '../map/l1.js';
import { ClusterKind, type Run } from '../map/run.js';
import { cachedTable, emptyRun, invalidRun, runAt } from '../map/translate.js';
import type { Image } from '../space/image.js';
import { readCompressed } from './compressed-read.js';
import { readData } from './host-data.js';

/** Fills a buffer with the contents of the disk. Beyond its end there are zeroes. */
export async function read(image: Image, offset: GuestOffset, buffer: Uint8Array): Promise<void> {
  image.alive();
  const table = cachedTable(image, offset);
  if (table !== undefined) {
    const run = runAt(image, table, offset, buffer.length);
    if (run.kind === ClusterKind.normal && run.length === buffer.length) {
      const access = image.grace.enter();
      try {
        await readData(image, run.host, buffer);
      } finally {
        image.grace.leave(access);
      }
      return;
    }
  }
  await readRuns(image, offset, buffer);
}

async function readRuns(image: Image, offset: GuestOffset, buffer: Uint8Array): Promise<void> {
  const parts = new Parts();
  try {
    for (let done = 0; done < buffer.length; ) {
      const position = further(offset, done);
      const table = cachedTable(image, position) ?? (await l2Table(image, position));
      const wanted = buffer.length - done;
      const run = table === undefined ? emptyRun(image, position, wanted) : runAt(image, table, position, wanted);
      parts.add(readRun(image, position, run, buffer.subarray(done, done + run.length)));
      done += run.length;
      await parts.room();
    }
  } finally {
    await parts.settled();
  }
  await parts.all();
}

/** Called without a pause since the run was looked up. */
function readRun(image: Image, offset: GuestOffset, run: Run, buffer: Uint8Array): Promise<void> {
  switch (run.kind) {
    case ClusterKind.unallocated:
      return readBacking(image, offset, buffer);
    case ClusterKind.zero:
      buffer.fill(0);
      return Promise.resolve();
    case ClusterKind.normal:
      return readHost(image, run.host, buffer);
    case ClusterKind.compressed:
      return readPacked(image, offset, run, buffer);
    case ClusterKind.invalid:
      return invalidRun(image, offset).then((error) => Promise.reject(error));
  }
}

async function readHost(image: Image, host: HostOffset, buffer: Uint8Array): Promise<void> {
  const access = image.grace.enter();
  try {
    await readData(image, host, buffer);
  } finally {
    image.grace.leave(access);
  }
}

async function readPacked(image: Image, offset: GuestOffset, run: Run, buffer: Uint8Array): Promise<void> {
  const data = await readCompressed(image, run);
  const inside = offset % image.clusterSize;
  buffer.set(data.subarray(inside, inside + buffer.length));
}

/** Unallocated: what the backing file has there, but nothing from beyond the end of this image. */
async function readBacking(image: Image, offset: GuestOffset, buffer: Uint8Array): Promise<void> {
  const { backing } = image.node;
  const shown = Math.max(0, Math.min(buffer.length, image.header.size - offset));
  if (backing === undefined || offset >= backing.node.length || shown === 0) {
    buffer.fill(0);
    return;
  }
  image.file.debug('read_backing_aio');
  buffer.fill(0, shown);
  await backing.read(offset, shown === buffer.length ? buffer : buffer.subarray(0, shown));
}
