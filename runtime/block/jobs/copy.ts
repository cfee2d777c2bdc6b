import type { IoOperationType } from '../../../generated/index.js';
import type { Stretch } from '../bitmaps/dirty-bits.js';
import type { Child } from '../driver.js';
import { BlockError, blockErrorOf } from '../error.js';
import { giveBuffer, takeBuffer } from '../io/buffers.js';
import { chainStatus } from '../io/status.js';
import { roundUp } from '../limits.js';
import { RequestFlag } from '../request-flag.js';

/** A copy has failed as its read or its write did. */
export class CopyFailure extends BlockError {
  /** Which side has failed. */
  readonly operation: IoOperationType;

  constructor(operation: IoOperationType, { message, code, class: className, cause }: BlockError) {
    super(message, { code, class: className, cause });
    this.operation = operation;
  }
}

/** How a stretch is copied. Numbers are flags of {@link RequestFlag}. */
export interface CopyManner {
  readonly readFlags?: number;
  readonly writeFlags?: number;
  /** Default: what reads as zeroes may be deallocated. */
  readonly zeroFlags?: number;
  /** Bytes that are written as a whole, from the beginning of the stretch on. Default: 1. */
  readonly unit?: number;
}

/**
 * Copies a stretch of a disk. What reads as zeroes is not read, and stays zeroes.
 *
 * @returns the bytes that were written as data
 * @throws CopyFailure when one side fails
 */
export async function copyStretch(
  from: Child,
  into: Child,
  { offset, length }: Stretch,
  { readFlags = 0, writeFlags = 0, zeroFlags = RequestFlag.mayUnmap, unit = 1 }: CopyManner = {},
): Promise<number> {
  let written = 0;
  let operation: IoOperationType = 'read';
  try {
    for (let done = 0; done < length; ) {
      operation = 'read';
      const { status } = await chainStatus(from, offset + done, length - done);
      const piece = Math.min(roundUp(status.length, unit), length - done);
      if (status.zero && piece === status.length) {
        operation = 'write';
        await into.writeZeroes(offset + done, piece, zeroFlags);
      } else {
        const buffer = takeBuffer(piece);
        await from.read(offset + done, buffer, readFlags);
        operation = 'write';
        await into.write(offset + done, buffer, writeFlags);
        written += piece;
        // After a failure, parts of the request may still be under way with it.
        giveBuffer(buffer);
      }
      done += piece;
    }
    return written;
  } catch (error) {
    throw new CopyFailure(operation, blockErrorOf(error));
  }
}
