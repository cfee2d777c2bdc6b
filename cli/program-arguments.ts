import { readFileSync } from 'node:fs';
import { decodeFileName } from '../runtime/block/file-name.js';

/** What Node.js makes of bytes that are not UTF-8: which they were is lost. */
const replaced = '\ufffd';

/**
 * The arguments of the program. Linux still has those that are not UTF-8, such as old file names, as they were; they come as
 * {@link decodeFileName} makes text of them.
 */
export function programArguments(): string[] {
  const decoded = process.argv.slice(2);
  if (process.platform !== 'linux' || !decoded.some((argument) => argument.includes(replaced))) return decoded;
  let raw: string[];
  try {
    raw = splitAtNul(readFileSync('/proc/self/cmdline')).slice(-decoded.length);
  } catch {
    return decoded;
  }
  const same = raw.every((argument, index) => argument === decoded[index] || decoded[index]?.includes(replaced));
  return same && raw.length === decoded.length ? raw : decoded;
}

function splitAtNul(bytes: Buffer): string[] {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0, at);
    const next = end < 0 ? bytes.length : end;
    parts.push(decodeFileName(bytes.subarray(at, next)));
    at = next + 1;
  }
  return parts;
}
