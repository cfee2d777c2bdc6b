/**
 * Builds `dist`: bundled ES modules, the type declarations that the entry points reach, and the licences of what is bundled.
 *
 * What is bundled loads in a few milliseconds where the packages as shipped take hundreds (they are hundreds of files).
 * ts-morph stays outside: it is large, and only `generate` loads it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { build } from 'esbuild';
import { esbuildHandlebars } from './handlebars-plugin.mjs';

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

const root = import.meta.dirname;
const dist = join(root, 'dist');

await rm(dist, { recursive: true, force: true });
const shared = { external: ['ts-morph', 'koffi'], plugins: [esbuildHandlebars, withoutChildProcess] };
const inputs = [
  ...(await bundle({ 'cli/main': 'cli/main.ts' }, {})),
  ...(await bundle(
    { 'cli/program': 'cli/process.ts' },
    {
      ...shared,
      format: 'cjs',
      outExtension: { '.js': '.cjs' },
      define: { 'import.meta.url': 'importMetaUrl' },
      // Code that comes from a cache cannot import.
      supported: { 'dynamic-import': false },
      banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
    },
  )),
  // Packages in CommonJS call `require` for Node's own modules; an ES module has none unless it makes one.
  ...(await bundle(
    { 'generator/index': 'generator/index.ts' },
    {
      ...shared,
      banner: {
        js: "import { createRequire as createRequire_ } from 'node:module'; const require = createRequire_(import.meta.url);",
      },
    },
  )),
  ...(await bundle({ 'runtime/index': 'runtime/index.ts' }, {})),
  ...(await bundle({ 'runtime/block/index': 'runtime/block/index.ts' }, { external: ['koffi'] })),
];
await writeFile(join(dist, 'THIRD-PARTY-LICENSES.txt'), await licences(inputs));
await declarations(['generator/index.d.ts', 'runtime/index.d.ts', 'runtime/block/index.d.ts']);

/** Bundles entry points into `dist` and returns the files that went in. */
async function bundle(entryPoints, options) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints,
    outdir: 'dist',
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
    ...options,
  });
  return Object.keys(metafile.inputs);
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
  const queue = entryPoints.map((file) => join(dist, file));
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
