import { Parts } from '../../shared/parts.js';
import { further, type GuestOffset, type HostOffset } from '../format/units.js';
import { l2Table, ownsL2Table } from '../map/l1.js';
import { promisePlaces } from '../map/reserve.js';
import { ClusterKind, type Run } from '../map/run.js';
import { cachedTable, invalidRun, runAt } from '../map/translate.js';
import { settleMany } from '../space/free.js';
import type { Image } from '../space/image.js';
import { fill } from './copy-on-write.js';
import { writeData } from './host-data.js';

/** Writes to the disk. */
export async function write(image: Image, offset: GuestOffset, data: Uint8Array): Promise<void> {
  image.alive();
  const table = cachedTable(image, offset);
  if (table !== undefined) {
    const run = runAt(image, table, offset, data.length);
    if (run.length === data.length && inPlace(image, offset, run)) {
      await writeInPlace(image, run.host, data);
      return;
    }
  }
  await writeRuns(image, offset, data);
}

/** Whether clusters are written where they are: they have places that are not shared. */
function inPlace(image: Image, offset: GuestOffset, run: Run): boolean {
  return run.kind === ClusterKind.normal && run.copied && ownsL2Table(image, offset);
}

/** Called without a pause since the place was looked up. */
async function writeInPlace(image: Image, host: HostOffset, data: Uint8Array): Promise<void> {
  const access = image.grace.enter();
  try {
    await writeData(image, host, data);
  } finally {
    image.grace.leave(access);
  }
}

async function writeRuns(image: Image, offset: GuestOffset, data: Uint8Array): Promise<void> {
  const parts = new Parts();
  try {
    for (let done = 0; done < data.length; ) {
      const position = further(offset, done);
      const wanted = data.length - done;
      const table = cachedTable(image, position) ?? (await l2Table(image, position));
      const run = table === undefined ? undefined : runAt(image, table, position, wanted);
      if (run?.kind === ClusterKind.invalid) throw await invalidRun(image, position);
      let length: number;
      if (run !== undefined && inPlace(image, position, run)) {
        ({ length } = run);
        parts.add(writeInPlace(image, run.host, data.subarray(done, done + length)));
      } else {
        const promised = await promisePlaces(image, position, wanted);
        if (promised === undefined) continue;
        ({ length } = promised);
        parts.add(fill(image, position, promised, data.subarray(done, done + length)));
      }
      done += length;
      await parts.room();
    }
  } finally {
    await parts.settled();
  }
  await parts.all();
  await settleMany(image);
}
