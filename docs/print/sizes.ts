import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BundleSize, bundleSize, installFromSources, type Program, programs } from '../../bench/bundle-sizes.js';

const root = join(import.meta.dirname, '../..');

/** `docs/size.md` with its table measured. A line whose schema is missing on this machine stays as it is. */
export async function withSizes(page: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'qapi-ts-sizes-'));
  try {
    await installFromSources(root, folder);
    const lines = new Map<string, string>();
    for (const program of programs) {
      const size = await bundleSize(root, folder, program);
      if (size) lines.set(program.title, lineOf(program, size));
    }
    return page.replace(/^\| (.*?) \|.*$/gm, (line, title: string) => lines.get(title) ?? line);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A program's line of the table. */
function lineOf({ title, target }: Program, { minified, gzipped, onFailure }: BundleSize): string {
  const goal = target === undefined ? '' : kilobytes(target);
  return `| ${[title, kilobytes(minified), kilobytes(gzipped), kilobytes(onFailure), goal].join(' | ')} |`;
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}
