/*
 * Requests for which there is no room as a whole are worked on by pieces, one after the other, in one small buffer.
 */

import type { NbdExport } from './export.js';
import { pieceLength } from './memory.js';
import type { Replies } from './replies.js';
import type { Request } from './request.js';

/** What a request is worked on with. */
export interface PieceWork {
  readonly request: Request;
  readonly target: NbdExport;
  /** Of {@link pieceLength}. */
  readonly buffer: Buffer;
}

/**
 * Reads and sends. Where a reply is one piece by protocol, a failure in its middle can only be reported by ending the connection.
 *
 * @throws what the export throws, if nothing of the reply has been sent
 * @throws PieceError if something has
 */
export async function readInPieces({ request, target, buffer }: PieceWork, replies: Replies): Promise<void> {
  for (let done = 0; done < request.length; done += pieceLength) {
    const piece = buffer.subarray(0, Math.min(pieceLength, request.length - done));
    try {
      await target.read(request.offset + done, piece);
    } catch (error) {
      throw done > 0 && !replies.fragments(request) ? new PieceError(error) : error;
    }
    await replies.piece(request, done, piece);
  }
}

/**
 * Receives and writes. What follows a piece that could not be written is received, too, and dropped.
 *
 * @param refusal why nothing is to be written. Absent: all is
 * @param receive fills a buffer with what the client sends
 * @throws what the export throws, or the refusal, when all has been received
 */
export async function writeInPieces(
  { request, target, buffer: given }: PieceWork,
  refusal: unknown,
  receive: (piece: Buffer) => Promise<void>,
): Promise<void> {
  let failure = refusal;
  let buffer = given;
  for (let done = 0; done < request.length; done += pieceLength) {
    const piece = buffer.subarray(0, Math.min(pieceLength, request.length - done));
    await receive(piece);
    if (failure !== undefined) continue;
    try {
      await target.write(request.offset + done, piece, { fua: request.fua });
    } catch (error) {
      failure = error;
      // What has failed may still be at the old one in part.
      buffer = Buffer.allocUnsafeSlow(pieceLength);
    }
  }
  if (failure !== undefined) throw failure;
}

/** A reply cannot be completed. */
export class PieceError extends Error {
  override readonly name = 'PieceError';

  constructor(cause: unknown) {
    super('A read failed in the middle of its reply', { cause });
  }
}
