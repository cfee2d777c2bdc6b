import { join } from 'node:path';
import { BlockError, invalid } from '../error.js';
import { readObjectFile } from './object-file.js';
import type { ObjectHost } from './user-object.js';

/** The folder that an object reads its files from. @throws BlockError when it has none */
export function folderOf(dir: string | undefined): string {
  if (dir === undefined || dir === '') throw invalid("Missing 'dir' property value");
  return dir;
}

/** Reads a file of a folder. @throws BlockError when it cannot be read */
export function readCredentials(dir: string, name: string, host: ObjectHost): Promise<Buffer> {
  const path = join(dir, name);
  return readObjectFile(path, host, `Unable to access credentials ${path}`);
}

/** The same; nothing when there is no such file. */
export async function readIfPresent(dir: string, name: string, host: ObjectHost): Promise<Buffer | undefined> {
  try {
    return await readCredentials(dir, name, host);
  } catch (error) {
    if (error instanceof BlockError && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether a priority of GnuTLS means what this server does anyhow. @throws BlockError for others */
export function checkPriority(priority: string | undefined): void {
  if (priority === undefined || priority === 'NORMAL' || priority === '@SYSTEM') return;
  throw invalid(
    `'priority' is in the words of GnuTLS, which this server does not use: '${priority}' cannot be followed; leave it out`,
  );
}
