import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { onTestFinished } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** The code of a page that has a name. */
export function codeOf(page: 'docs/client.md' | 'docs/server.md' | 'docs/recipes.md', name: string): string {
  const text = readFileSync(join(root, page), 'utf8');
  const start = text.indexOf(`\n\`\`\`ts ${name}.ts\n`);
  if (start < 0) throw new Error(`${page} has no code called ${name}.ts`);
  return text.slice(text.indexOf('\n', start + 1) + 1, text.indexOf('\n```\n', start + 1));
}

/** What a program printed, line by line, and its exit code. */
export interface Printed {
  readonly lines: string[];
  readonly errors: string;
  readonly code: number | null;
}

let serial = 0;

/**
 * Runs a program as a page has it, but for the addresses of the test, in a process of its own.
 *
 * @param changes what stands there, each at least once, and what is put in its place
 */
export async function runCode(
  code: string,
  changes: Readonly<Record<string, string>> = {},
  { env = {}, flags = [] }: { env?: Record<string, string>; flags?: readonly string[] } = {},
): Promise<Printed> {
  let contents = code;
  for (const [before, after] of Object.entries(changes)) {
    if (!contents.includes(before)) throw new Error(`the code does not have '${before}'`);
    contents = contents.replaceAll(before, after);
  }
  const outfile = join(root, 'node_modules/.cache/qapi-ts', `recipe-${process.pid}-${++serial}.mjs`);
  await build({
    stdin: { contents, loader: 'ts', resolveDir: root },
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    alias: { 'qapi-ts/runtime': join(root, 'runtime/index.ts') },
  });
  onTestFinished(() => rmSync(outfile));
  const child = spawn(process.execPath, [...flags, outfile], { env: { ...process.env, ...env } });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const exit = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { lines: output.trimEnd().split('\n'), errors, code: exit };
}
