/**
 * The code that the package ships: one set of ES modules for all its doors.
 *
 * A door is an entry of `exports` or `bin` in package.json. What two of them need is in a chunk that both import, so that a
 * class is the same class through every door; what is imported by an expression, as each subcommand is, is in a chunk of its
 * own. Packages are bundled: as shipped they are hundreds of files, which take hundreds of milliseconds to load.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { decode, encode } from '@jridgewell/sourcemap-codec';
import { build } from 'esbuild';
import { compact, isForeign } from './compact.mjs';
import { esbuildHandlebars } from './handlebars-plugin.mjs';

/** A module that asks for Node's own modules by `require` gets them without that function, which ES modules lack. */
const builtinsWithoutRequire = {
  name: 'builtins-without-require',
  setup(build) {
    build.onResolve({ filter: /./ }, ({ kind, path }) =>
      kind === 'require-call' && isBuiltin(path) ? { path, namespace: 'builtin' } : undefined,
    );
    build.onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};

/** commander can start programs as subcommands, and loads what that takes. There are none. */
const withoutChildProcess = {
  name: 'without-child-process',
  setup(build) {
    build.onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      /node_modules[/\\]commander[/\\]/.test(importer) ? { path: 'child_process', namespace: 'empty' } : undefined,
    );
    build.onLoad({ filter: /./, namespace: 'empty' }, () => ({ contents: '' }));
  },
};

/** sucrase takes types out of a module here, and nothing else. What it also can do, and how it checks its options, is left out. */
export const sucraseForTypes = {
  name: 'sucrase-for-types',
  setup(build) {
    build.onResolve({ filter: /^sucrase$/ }, ({ kind, resolveDir }) =>
      build.resolve('sucrase/dist/esm/index.js', { kind, resolveDir }),
    );
    const unused =
      /[/\\](?:(?:CJSImport|Flow|JestHoist|JSX|NumericSeparator|OptionalCatchBinding|OptionalChainingNullish|ReactDisplayName|ReactHotLoader)Transformer|CJSImportProcessor|computeSourceMap|formatTokens|Options)$/;
    build.onResolve({ filter: unused }, ({ importer, path }) =>
      /[/\\]sucrase[/\\]/.test(importer) ? { path, namespace: 'unused', sideEffects: false } : undefined,
    );
    build.onLoad({ filter: /./, namespace: 'unused' }, () => ({
      contents:
        'export default class {}\nexport const validateOptions = () => {};\nexport const startsWithLowerCase = () => false;',
    }));
  },
};

/** What is used of each package. */
const packages = {
  'basic-ftp': 'Client',
  chevrotain: 'createToken, EmbeddedActionsParser, EOF',
  commander: 'Argument, Command, CommanderError, InvalidArgumentError, Option',
  diff: 'FILE_HEADERS_ONLY, formatPatch, structuredPatch',
  fzstd: 'Decompress',
  pino: 'pino',
  sucrase: 'transform',
};

/**
 * Makes each package one module that has what is used of it, with short names: in a bundle the outermost names of a module stay as they
 * are, and a package has hundreds of them.
 *
 * @param {Set<string>} files takes the files that went in
 */
function packagesAsModules(root, files) {
  const loaded = new Map();
  return {
    name: 'packages-as-modules',
    setup(main) {
      main.onResolve({ filter: /^[^./]/ }, ({ path }) =>
        Object.hasOwn(packages, path) ? { path, namespace: 'package', sideEffects: false } : undefined,
      );
      main.onLoad({ filter: /./, namespace: 'package' }, ({ path }) => {
        if (!loaded.has(path)) loaded.set(path, packageAsModule(root, path, files));
        return loaded.get(path);
      });
    },
  };
}

async function packageAsModule(root, path, files) {
  const { metafile, outputFiles } = await build({
    ...settings,
    absWorkingDir: root,
    stdin: { contents: `export { ${packages[path]} } from '${path}';`, resolveDir: root },
    minifyIdentifiers: true,
    write: false,
    plugins: [withoutChildProcess, builtinsWithoutRequire, sucraseForTypes],
  });
  for (const file of Object.keys(metafile.inputs)) files.add(file);
  return { contents: outputFiles[0].text, resolveDir: root };
}

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
    plugins: [packagesAsModules(root, files), esbuildHandlebars],
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
  await writeFile(`${file}.map`, JSON.stringify({ version: 3, sources, names: [], mappings: encode(mappings) }));
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
