/**
 * Builds `dist`: one set of ES modules for all doors of the package, the type declarations that the doors reach, and the
 * licences of what is bundled.
 *
 * A door is an entry of `exports` or `bin` in package.json. What two of them need is in a chunk that both import, so that a
 * class is the same class through every door; what is imported by an expression, as each subcommand is, is in a chunk of its
 * own. Packages are bundled: as shipped they are hundreds of files, which take hundreds of milliseconds to load.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { decode, encode } from '@jridgewell/sourcemap-codec';
import { build } from 'esbuild';
import { esbuildHandlebars } from './handlebars-plugin.mjs';

const root = import.meta.dirname;
const dist = join(root, 'dist');
const { bin, exports: doors } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));

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

await rm(dist, { recursive: true, force: true });
const modules = Object.values(doors).flatMap((door) => door.default ?? []);
const inputs = await bundle([...Object.values(bin), ...modules].map(sourceOf), {
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  plugins: [esbuildHandlebars, withoutChildProcess, builtinsWithoutRequire],
});
// The command line once more in one CommonJS file, whose compiled code `cli/compiled-code.ts` keeps.
await bundle([{ in: 'cli/process.ts', out: 'cli/program' }], {
  plugins: [esbuildHandlebars, withoutChildProcess],
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  define: { 'import.meta.url': 'importMetaUrl' },
  // Code that comes from a cache cannot import.
  supported: { 'dynamic-import': false },
  banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
});
await writeFile(join(dist, 'THIRD-PARTY-LICENSES.txt'), await licences(inputs));
await declarations(Object.values(doors).flatMap((door) => door.types ?? []));

/** The entry point that a file of `dist` is built from. */
function sourceOf(output) {
  const [, out] = /^(?:\.\/)?dist\/(.*)\.js$/.exec(output);
  return { in: `${out}.ts`, out };
}

/** Bundles entry points into `dist`, readable, and returns the files that went in. */
async function bundle(entryPoints, options) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints,
    outdir: 'dist',
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    external: ['koffi'],
    legalComments: 'none',
    sourcemap: true,
    sourcesContent: false,
    metafile: true,
    logLevel: 'warning',
    ...options,
  });
  const maps = Object.keys(metafile.outputs).filter((file) => file.endsWith('.map'));
  for (const file of maps.map((path) => join(root, path))) {
    await writeFile(file, JSON.stringify(linesOf(JSON.parse(await readFile(file, 'utf8')))));
  }
  return Object.keys(metafile.inputs);
}

/** What a stack trace needs of a source map, an eighth of it: where the lines of our modules begin. */
function linesOf({ mappings, sources }) {
  const ours = sources.filter((path) => !path.includes('node_modules'));
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
  return { version: 3, sources: ours, names: [], mappings: encode(lines) };
}

/** The licences of the packages that some files belong to, one after the other. */
async function licences(files) {
  const folders = new Set(files.map((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]).filter(Boolean));
  const notices = ['qapi-ts contains parts of the packages below, under their own licences.'];
  for (const folder of [...folders].sort()) {
    const { name, version, license } = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8'));
    const files = (await readdir(join(root, folder))).filter((file) => /^(licen[cs]e|notice)/i.test(file)).sort();
    if (files.length === 0) throw new Error(`${name} is bundled, but has no licence file`);
    const texts = await Promise.all(files.map((file) => readFile(join(root, folder, file), 'utf8')));
    notices.push(`${name} ${version} (${license})\n\n${texts.map((text) => text.trim()).join('\n\n')}`);
  }
  return `${notices.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

/** Writes the type declarations, and removes again those that no entry point reaches. */
async function declarations(entryPoints) {
  await mkdir(dist, { recursive: true });
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
  const reached = new Set();
  const queue = entryPoints.map((file) => join(root, file));
  for (const file of queue) {
    if (reached.has(file)) continue;
    reached.add(file);
    // Examples in comments import, too.
    const text = (await readFile(file, 'utf8')).replace(/\/\*.*?\*\//gs, '');
    for (const [, specifier] of text.matchAll(/(?:\bfrom |\bimport\(|\bimport )['"](\.[^'"]+)['"]/g)) {
      const target = resolve(dirname(file), specifier.replace(/\.js$/, '.d.ts'));
      if (!existsSync(target)) throw new Error(`${relative(dist, file)} imports ${specifier}, which was not written`);
      queue.push(target);
    }
  }
  const written = (await readdir(dist, { recursive: true })).filter((file) => file.endsWith('.d.ts'));
  for (const file of written) if (!reached.has(join(dist, file))) await rm(join(dist, file));
}
