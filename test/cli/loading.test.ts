import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** What is loaded when it is asked for, and not before. */
const later: Plugin = {
  name: 'later',
  setup({ onResolve }) {
    onResolve({ filter: /./ }, ({ kind }) => (kind === 'dynamic-import' ? { external: true } : undefined));
  },
};

/** The modules that are loaded with a module: what it imports by declarations, and what those import. Types load nothing. */
async function loadedWith(module: string): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [module],
    write: false,
    bundle: true,
    format: 'esm',
    platform: 'node',
    plugins: [later],
    metafile: true,
  });
  return Object.keys(metafile.inputs);
}

describe('a command line loads no more than it needs', () => {
  test.each<[what: string, module: string, absent: RegExp]>([
    [
      'what prints the version knows no subcommand',
      'cli/process.ts',
      /^generator|^runtime\/(?!block\/file-name)|chevrotain|handlebars/,
    ],
    [
      'what finds that a generate has nothing to do reads no schema and knows no target',
      'cli/generate.ts',
      /^generator\/(schema\/load|syntax\/load|emit\/(generate|targets)\b)|chevrotain|handlebars/,
    ],
    [
      'what checks a schema generates nothing and recovers from no fault',
      'cli/check.ts',
      /^generator\/emit\/(?!option-table)|handlebars|chevrotain/,
    ],
  ])('%s', async (_, module, absent) => {
    const loaded = await loadedWith(module);
    expect(loaded.length).toBeGreaterThan(5);
    expect(loaded.filter((path) => absent.test(path))).toEqual([]);
  });
});
