import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { build } from 'esbuild';
import { onTestFinished } from 'vitest';
import { esbuildHandlebars } from '../../build/handlebars-plugin.mjs';

const root = join(import.meta.dirname, '../..');

/** Bundles the program as a build does. The caller removes the folder that it is in. */
export async function bundledProgram(): Promise<{ readonly program: string; remove(): void }> {
  const cache = join(root, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  // Beside the packages that it imports.
  const folder = mkdtempSync(join(cache, 'serve-'));
  const program = join(folder, 'program.cjs');
  await build({
    stdin: {
      contents: "import { runInProcess } from './cli/process.js'; void runInProcess();",
      resolveDir: root,
    },
    outfile: program,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    external: ['koffi'],
    plugins: [esbuildHandlebars],
    define: { 'import.meta.url': 'importMetaUrl' },
    banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
  });
  return { program, remove: () => rmSync(folder, { recursive: true }) };
}

/** How a process has ended. */
export interface ServerEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A line of the log. */
interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly qmp?: readonly string[];
  readonly nbd?: readonly string[];
}

/** A server in a process of its own. */
export interface ServerProcess {
  readonly process: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Resolves with the line that tells that it is ready; rejects when it ends before. */
  readonly ready: Promise<LogLine>;
  readonly ended: Promise<ServerEnd>;
  /** Resolves when a text has come on standard error. */
  logged(text: string): Promise<void>;
}

/** Starts a server for the time of a test. */
export function startServerProcess(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
): ServerProcess {
  const child = spawn(process.execPath, [program, 'serve', ...args], {
    cwd,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  const lines = createInterface(child.stderr);
  lines.on('line', (line) => {
    stderr += `${line}\n`;
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, stdout, stderr }) as ServerEnd);
  const heard = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      lines.on('line', (line) => {
        if (line.includes(text)) resolve(line);
      });
      void ended.then(() => reject(new Error(`the server ended without telling "${text}": ${stderr}`)));
    });
  const ready = heard('"msg":"ready"').then((line) => JSON.parse(line) as LogLine);
  // A test may want it to fail.
  ready.catch(() => {});
  return { process: child, ready, ended, logged: async (text) => void (await heard(text)) };
}
