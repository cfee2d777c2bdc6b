import { closeSync, openSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import type { JsonValue } from '../../runtime/json/value.js';
import { wireLog } from '../../runtime/qmp/wire-log.js';
import { UserError } from '../user-error.js';

/** A file to which all messages are appended, each with its time. */
export interface WireFile {
  write(direction: 'sent' | 'received', message: JsonValue): void;
  close(): void;
}

/**
 * Opens it. Only this user can read one that is new: members called `password` are hidden in it, but a program may have other secrets.
 *
 * @throws UserError when it cannot be written
 */
export function openWireFile(name: string, cwd: string): WireFile {
  let file: number;
  try {
    file = openSync(resolve(cwd, name), 'a', 0o600);
  } catch (error) {
    throw new UserError(`cannot write the log: ${(error as Error).message}`, { cause: error });
  }
  const write = wireLog({
    write: (line) => void writeSync(file, `${new Date().toISOString()} ${line}\n`),
    secrets: ['password'],
  });
  return { write, close: () => closeSync(file) };
}
