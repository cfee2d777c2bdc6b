import { fstatSync } from 'node:fs';
import { blockErrorOf, invalid } from './error.js';

/**
 * A socket that the parent process has opened and passed on.
 *
 * @param text the number of its file descriptor
 * @throws BlockError when it is none
 */
export function expectPassedSocket(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw invalid(`'${text}' is not the number of a file descriptor`);
  const fd = Number(text);
  let isSocket = false;
  try {
    isSocket = fstatSync(fd).isSocket();
  } catch (error) {
    throw blockErrorOf(error, `File descriptor '${text}' cannot be used`);
  }
  if (!isSocket) throw invalid(`File descriptor '${text}' is not a socket`);
  return fd;
}
