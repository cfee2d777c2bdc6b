/** Builds `dist`: the code, the type declarations that the package's doors reach, and the licences of what is bundled. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { bundlePackage } from './bundle.mjs';

const root = import.meta.dirname;
const dist = join(root, 'dist');
const { exports: doors } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));

await rm(dist, { recursive: true, force: true });
await writeFile(join(dist, 'THIRD-PARTY-LICENSES.txt'), await licences(await bundlePackage(root, dist)));
await declarations(Object.values(doors).flatMap((door) => door.types ?? []));

/** The licences of the packages that some files belong to, each once, behind the names of its packages. */
async function licences(files) {
  const folders = new Set(files.map((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]).filter(Boolean));
  const packages = new Map();
  for (const folder of [...folders].sort()) {
    const { name, version, license } = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8'));
    const files = (await readdir(join(root, folder))).filter((file) => /^(licen[cs]e|notice)/i.test(file)).sort();
    if (files.length === 0) throw new Error(`${name} is bundled, but has no licence file`);
    const texts = await Promise.all(files.map((file) => readFile(join(root, folder, file), 'utf8')));
    const text = texts.map((text) => text.trim()).join('\n\n');
    packages.set(text, [...(packages.get(text) ?? []), `${name} ${version} (${license})`]);
  }
  const notices = ['qapi-ts contains parts of the packages below, under their own licences.'];
  for (const [text, names] of packages) notices.push(`${names.join('\n')}\n\n${text}`);
  return `${notices.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

/** Writes the type declarations, and removes again those that no entry point reaches. */
async function declarations(entryPoints) {
  await mkdir(dist, { recursive: true });
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
  // The block layer's door has the tables of all commands and events. What is generated for single ones, and for types, is behind none.
  const index = join(dist, 'generated/index.d.ts');
  const single = /^export \* from '\.\/[^']+\/(?:commands|events|visitors)\.js';\n/gm;
  await writeFile(index, (await readFile(index, 'utf8')).replace(single, ''));
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
