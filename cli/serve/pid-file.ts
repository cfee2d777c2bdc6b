import { closeSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { blockErrorOf } from '../../runtime/block/error.js';
import { UserError } from '../user-error.js';

/**
 * Writes the number of this process to a file, for programs that are to end it later. One that a process has left which is gone is
 * replaced.
 *
 * @returns removes the file
 * @throws UserError when it cannot be made, or another process that runs has it
 */
export function writePidFile(path: string): () => void {
  let fd: number;
  try {
    removeStale(path);
    fd = openSync(path, 'wx', 0o644);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === undefined ? message : blockErrorOf(error, `Could not create '${path}'`).message;
    throw new UserError(`--pidfile ${path}: cannot create PID file: ${reason}`, { cause: error });
  }
  writeSync(fd, `${process.pid}\n`);
  closeSync(fd);
  const remove = (): void => {
    process.off('exit', remove);
    try {
      unlinkSync(path);
    } catch {
      // It is gone already.
    }
  };
  process.once('exit', remove);
  return remove;
}

function removeStale(path: string): void {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw error;
  }
  if (text !== '' && !/^\d+\s*$/.test(text)) throw new Error('a file that holds no process number is there');
  if (text !== '' && runs(Number(text))) throw new Error(`process ${text.trim()} has it, and runs`);
  unlinkSync(path);
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
