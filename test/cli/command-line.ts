import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { run } from '../../cli/program.js';

/** What a run of the command line did. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run it. */
export interface RunOptions {
  readonly cwd?: string;
  readonly stdin?: string | Readable;
  readonly env?: Readonly<Record<string, string>>;
  readonly isTTY?: boolean;
  readonly signal?: AbortSignal;
  /** Called with everything that is printed, while it is. */
  readonly onOutput?: (text: string) => void;
}

/** Runs `qapi-ts` with arguments, in this process. */
export async function qapiTs(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  let stdout = '';
  let stderr = '';
  const { isTTY = false, stdin = '' } = options;
  const code = await run(args, {
    cwd: options.cwd ?? process.cwd(),
    env: options.env ?? {},
    stdin: typeof stdin === 'string' ? Readable.from([Buffer.from(stdin)]) : stdin,
    stdout: {
      isTTY,
      write(text) {
        stdout += text;
        options.onOutput?.(text);
      },
    },
    stderr: {
      isTTY,
      write(text) {
        stderr += text;
        options.onOutput?.(text);
      },
    },
    catchInterrupt: () => options.signal ?? new AbortController().signal,
  });
  return { code, stdout, stderr };
}

/** A folder with files in it, gone when the test is over. */
export function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}
