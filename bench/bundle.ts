/**
 * What the packed package weighs: installed, and in a program that imports the client and uses three commands, minified and
 * gzipped, with types alone, with validation, and with node-qemu.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleSize, programs } from './bundle-sizes.js';

/** The target for an installation, in kB of 1024 bytes as `du` counts. */
const INSTALLED = 3.5 * 1024;

const root = join(import.meta.dirname, '..');
const folder = await mkdtemp(join(tmpdir(), 'qapi-ts-bundle-'));
const run = (cwd: string, program: string, ...args: string[]): string =>
  execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

try {
  const [{ filename }] = JSON.parse(
    run(root, 'npm', 'pack', '--json', '--ignore-scripts', '--pack-destination', folder),
  ) as [{ filename: string }];
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  run(folder, 'npm', 'install', '--no-audit', '--no-fund', join(folder, filename));
  const packages = (await readdir(join(folder, 'node_modules'))).filter((name) => !name.startsWith('.'));
  const kilobytes = Number.parseInt(run(folder, 'du', '-sk', 'node_modules'), 10);
  console.log(`installed: ${packages.join(', ')}; ${kilobytes} kB on disk${verdict(kilobytes, INSTALLED)}`);
  for (const program of programs) {
    const size = await bundleSize(root, folder, program);
    const { minified, gzipped, onFailure } = size ?? {};
    const numbers = size
      ? `${String(minified).padStart(8)} minified${String(gzipped).padStart(8)} gzipped, ${onFailure} more when something fails${verdict(size.gzipped, program.target)}`
      : '  skipped: set QAPI_CORPUS to the corpus';
    console.log(`${program.title.padEnd(40)}${numbers}`);
  }
} finally {
  await rm(folder, { recursive: true });
}

function verdict(measured: number, target: number | undefined): string {
  return target === undefined ? '' : `  target ${target}: ${measured <= target ? 'met' : 'missed'}`;
}
