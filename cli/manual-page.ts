import { execFile } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { type ManualPage, readManualPage } from '../generator/schema/manual/page.js';
import { findProgram } from './find-program.js';
import type { Host } from './host.js';

/** So large may a page become that is packed on the disk. */
const largest = 64 * 2 ** 20;

/** The manual page of the protocol that a program speaks. */
function pageNameOf(program: string): string | undefined {
  const name = basename(program);
  if (name.includes('storage-daemon')) return 'qemu-storage-daemon-qmp-ref';
  if (/qemu-ga/.test(name)) return 'qemu-ga-ref';
  return /^qemu(-system|-kvm|$)|^kvm$/.test(name) ? 'qemu-qmp-ref' : undefined;
}

/**
 * Finds the manual page of a program's protocol: beside the program (`../share/man`), or where `man` finds it.
 *
 * @returns undefined when it is not installed, or cannot be read as one
 */
export async function manualPageFor(program: string, host: Host): Promise<ManualPage | undefined> {
  const name = pageNameOf(program);
  if (name === undefined) return undefined;
  const beside = besideProgram(program, name, host);
  for (const file of beside ? [beside] : await whereManIs(name, host)) {
    try {
      const page = readManualPage(textOf(file));
      if (page.definitions.size > 0) return page;
    } catch {
      // Without the page there is still what the program says of itself.
    }
  }
  return undefined;
}

function besideProgram(program: string, name: string, host: Host): string | undefined {
  const found = findProgram(program, host);
  if (found === undefined) return undefined;
  for (const path of new Set([found, realpathSync(found)])) {
    for (const ending of ['.7', '.7.gz']) {
      const file = join(dirname(path), '../share/man/man7', `${name}${ending}`);
      if (existsSync(file)) return file;
    }
  }
  return undefined;
}

async function whereManIs(name: string, { env }: Host): Promise<string[]> {
  try {
    const { stdout } = await promisify(execFile)('man', ['-w', '7', name], { env: { ...env }, timeout: 10_000 });
    return stdout.split('\n').filter((line) => line.startsWith('/'));
  } catch {
    return [];
  }
}

function textOf(file: string): string {
  const bytes = readFileSync(file);
  return (file.endsWith('.gz') ? gunzipSync(bytes, { maxOutputLength: largest }) : bytes).toString();
}
