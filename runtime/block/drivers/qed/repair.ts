import type { Child } from '../../driver.js';
import { BlockError } from '../../error.js';
import { viewOf } from '../shared/big-endian.js';
import { getUint64Le, setUint64Le } from '../shared/little-endian.js';
import { UsedPlaces } from '../shared/mapped/scan.js';
import { isClusterPlace, isTablePlace, type QedHeader, serialiseHeader } from './header.js';
import { zeroCluster } from './tables.js';

/** Bytes of a table that are looked at a time. */
const pieceLength = 2 ** 16;

/**
 * Makes an image sound that was not closed: what points at nothing is cleared, as it was never finished.
 *
 * @returns the header, which says that all is well
 * @throws BlockError (EIO) when clusters are used twice, which cannot be repaired
 */
export async function repair(file: Child, header: QedHeader): Promise<QedHeader> {
  const fileLength = file.node.length;
  const clusters = new UsedPlaces('qed');
  const addAll = (offset: number, length: number): void => {
    for (let at = 0; at < length; at += header.clusterSize) clusters.add(offset + at);
  };
  addAll(header.l1Offset, header.tableLength);
  const tables: number[] = [];
  await clearWrong(file, header.l1Offset, header.tableLength, (offset) => {
    if (!isTablePlace(header, offset, fileLength)) return false;
    tables.push(offset);
    return true;
  });
  for (const table of tables) {
    addAll(table, header.tableLength);
    await clearWrong(file, table, header.tableLength, (offset) => {
      if (offset === zeroCluster) return true;
      if (!isClusterPlace(header, offset, fileLength)) return false;
      clusters.add(offset);
      return true;
    });
  }
  clusters.check(header.clusterSize);
  await file.flush();
  const clean = { ...header, needsCheck: false };
  await file.write(0, serialiseHeader(clean));
  await file.flush();
  return clean;
}

/** Clears the entries of a table that are not right. */
async function clearWrong(
  file: Child,
  offset: number,
  length: number,
  isRight: (entry: number) => boolean,
): Promise<void> {
  for (let done = 0; done < length; done += pieceLength) {
    const piece = new Uint8Array(Math.min(pieceLength, length - done));
    await file.read(offset + done, piece);
    const view = viewOf(piece);
    let changed = false;
    for (let at = 0; at < piece.length; at += 8) {
      const entry = getUint64Le(view, at);
      if (entry === 0 || isRight(entry)) continue;
      setUint64Le(view, at, 0);
      changed = true;
    }
    if (changed) await file.write(offset + done, piece);
  }
}

/** @throws BlockError (EACCES) when an image is to be written that was not closed, and cannot be repaired any more */
export function refuseUnchecked({ needsCheck }: QedHeader): void {
  if (!needsCheck) return;
  throw new BlockError('The QED image was not closed; it must be opened read-write to be repaired', { code: 'EACCES' });
}
