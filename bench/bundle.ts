/**
 * How much a program carries that imports the client and uses three commands, minified and gzipped: with types alone, with
 * validation, and with node-qemu.
 */
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** The target for types alone, in bytes. */
const TARGET = 6 * 1024;

async function bundledSize(program: string): Promise<{ minified: number; gzipped: number }> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, `client-${program}.ts`)],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    write: false,
  });
  const code = outputFiles[0]?.contents ?? new Uint8Array();
  return { minified: code.length, gzipped: gzipSync(code, { level: 9 }).length };
}

for (const program of ['types-only', 'validating', 'node-qemu']) {
  const { minified, gzipped } = await bundledSize(program);
  const verdict = program === 'types-only' ? `  target ${TARGET}: ${gzipped <= TARGET ? 'met' : 'missed'}` : '';
  console.log(
    `${program.padEnd(12)}${String(minified).padStart(8)} minified${String(gzipped).padStart(8)} gzipped${verdict}`,
  );
}
