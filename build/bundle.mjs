/**
 * The code that the package ships: one set of ES modules for all its doors.
 *
 * A door is an entry of `exports` or `bin` in package.json. What two of them need is in a chunk that both import, so that a
 * class is the same class through every door; what is imported by an expression, as each subcommand is, is in a chunk of its
 * own. Packages are bundled: as shipped they are hundreds of files, which take hundreds of milliseconds to load.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decode, encode } from '@jridgewell/sourcemap-codec';
import { build } from 'esbuild';
import ts from 'typescript-5.9';
import { compact, isForeign } from './compact.mjs';
import { esbuildHandlebars } from './handlebars-plugin.mjs';
import { packagesAsModules } from './packages.mjs';

/** What the catalogue says of diagnostics for `docs/diagnostics.md` stays outside: nothing that runs reads it. */
const catalogueWithoutPages = {
  name: 'catalogue-without-pages',
  setup(build) {
    build.onLoad({ filter: /[/\\]generator[/\\]text[/\\]catalogue[/\\]\w+\.ts$/ }, async ({ path }) => {
      const file = ts.createSourceFile(path, await readFile(path, 'utf8'), ts.ScriptTarget.Latest);
      let { text: contents } = file;
      const remove = (node) => {
        if (!ts.isPropertyAssignment(node) || !['explanation', 'example'].includes(node.name.text)) {
          ts.forEachChild(node, remove);
          return;
        }
        const blank = (found) => found.replace(/[^\n]/g, ' ');
        contents =
          contents.slice(0, node.pos) + blank(contents.slice(node.pos, node.end + 1)) + contents.slice(node.end + 1);
      };
      remove(file);
      return { contents, loader: 'ts' };
    });
  },
};

/** How everything is bundled. */
const settings = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
};

/**
 * What a client needs is a chunk without the rest of the runtime, so that the bundler of a program leaves that rest out
 * as a whole.
 */
const client = { in: 'runtime/qmp/client.ts', out: 'chunks/client' };

/** Bundles the project in `root` into `outdir`, its `dist`; returns the files that went in. */
export async function bundlePackage(root, outdir) {
  const { bin, exports: doors } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const modules = Object.values(doors).flatMap((door) => door.default ?? []);
  const files = new Set();
  const ours = await bundle(root, outdir, [...[...Object.values(bin), ...modules].map(sourceOf), client], {
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    plugins: [packagesAsModules(root, settings, files), catalogueWithoutPages, esbuildHandlebars],
  });
  return [...ours, ...files];
}

/** The entry point that a file of `dist` is built from. */
function sourceOf(output) {
  const [, out] = /^(?:\.\/)?dist\/(.*)\.js$/.exec(output);
  return { in: `${out}.ts`, out };
}

/** Bundles entry points, readable; returns the files that went in. */
async function bundle(root, outdir, entryPoints, options) {
  const { metafile } = await build({
    ...settings,
    absWorkingDir: root,
    entryPoints,
    outdir,
    external: ['koffi', 'ts-morph'],
    sourcemap: true,
    sourcesContent: false,
    ...options,
  });
  for (const [path, { inputs }] of Object.entries(metafile.outputs)) {
    if (!path.endsWith('.map')) await makeSmaller(join(root, path), Object.keys(inputs));
  }
  return Object.keys(metafile.inputs);
}

/** Compacts a bundle of some modules, and its source map with it. */
async function makeSmaller(file, modules) {
  const { sources, lines } = linesOf(JSON.parse(await readFile(`${file}.map`, 'utf8')));
  const { code, mappings } = await compact(await readFile(file, 'utf8'), modules, lines);
  await writeFile(file, code);
  await writeFile(
    `${file}.map`,
    JSON.stringify({ version: 3, ...rooted(sources), names: [], mappings: encode(mappings) }),
  );
}

/** Paths of sources, without the way up that they share. */
function rooted(sources) {
  const sourceRoot = /^(?:\.\.\/)*/.exec(sources[0] ?? '')[0];
  if (!sources.every((path) => path.startsWith(sourceRoot))) return { sources };
  return { sourceRoot, sources: sources.map((path) => path.slice(sourceRoot.length)) };
}

/** What a stack trace needs of a source map, an eighth of it: where the lines of our modules begin. */
function linesOf({ mappings, sources }) {
  const ours = sources.filter((path) => !isForeign(path));
  const places = sources.map((path) => ours.indexOf(path));
  let last;
  const lines = decode(mappings).map((segments) =>
    segments.flatMap(([start, source, line, column]) => {
      const place = places[source] ?? -1;
      const key = place < 0 ? 'package' : `${place}:${line}`;
      if (key === last) return [];
      last = key;
      return [place < 0 ? [start] : [start, place, line, column]];
    }),
  );
  return { sources: ours, lines };
}
