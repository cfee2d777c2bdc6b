import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';

/** What is read whole has at most so many bytes: all schemas of a release have about two million. */
export const sizeLimit: number = 64 * 1024 * 1024;

/** Why a file is not read: it is none that ends, or it is too large to be a schema. */
export class UnsuitableFile extends Error {
  override readonly name = 'UnsuitableFile';
}

/**
 * Reads a whole file at once. The opened file itself is looked at before it is read, so that nothing is waited for.
 *
 * @throws {UnsuitableFile} when it is no regular file, or has more than 64 MiB
 * @throws {Error} of the file system, with a `code`
 */
export function readRegularFile(path: string): Uint8Array {
  // Opening a pipe without a writer would wait for one.
  const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stats = fstatSync(file);
    const complaint = complaintAbout(stats);
    if (complaint !== undefined) throw new UnsuitableFile(complaint);
    return readUpTo(file, stats.size);
  } finally {
    closeSync(file);
  }
}

function complaintAbout(stats: Stats): string | undefined {
  if (stats.isDirectory()) return 'it is a folder';
  if (stats.isFIFO()) return "it is a pipe and not a file: name the schema '-' and pass it on standard input";
  if (stats.isSocket()) return 'it is a socket and not a file';
  if (!stats.isFile()) return 'it is a device and not a file';
  return stats.size > sizeLimit ? tooLarge : undefined;
}

/** Why a schema is not read that is larger than the limit. */
export const tooLarge = `it is larger than ${sizeLimit / 1024 / 1024} MiB, and no schema is`;

/** Reads to the end, which is mostly where the size says. Files of `/proc` say 0. */
function readUpTo(file: number, size: number): Uint8Array {
  let buffer = Buffer.allocUnsafe(size + 1);
  let length = 0;
  for (;;) {
    const read = readSync(file, buffer, length, buffer.length - length, null);
    if (read === 0) return buffer.subarray(0, length);
    length += read;
    if (length > sizeLimit) throw new UnsuitableFile(tooLarge);
    if (length === buffer.length) buffer = Buffer.concat([buffer, Buffer.allocUnsafe(length + 64 * 1024)]);
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
  ENOTDIR: 'a part of the path is no folder',
  ENXIO: 'it is a socket or a device and not a file',
  ELOOP: 'its symbolic links lead in a circle',
};

/** Why a file could not be read, as the end of a sentence. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as { readonly code?: string; readonly message?: string };
  return reasons[code ?? ''] ?? message ?? String(error);
}
