/** Builds `dist`: the code, the type declarations that the package's doors reach, and the licences of what is bundled. */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundlePackage } from './bundle.mjs';
import { writeDeclarations } from './declarations.mjs';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
const { exports: doors } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));

await rm(dist, { recursive: true, force: true });
await writeFile(join(dist, 'THIRD-PARTY-LICENSES.txt'), await licences(await bundlePackage(root, dist)));
await writeDeclarations(
  root,
  dist,
  Object.values(doors).flatMap((door) => door.types ?? []),
);

/** The licences of the packages that some files belong to, each once, behind the names of its packages. */
async function licences(files) {
  const folders = new Set(
    files
      .map((file) => /^(?:\.{2}\/)*node_modules\/(?:.*node_modules\/)?(?:@[^/]+\/)?[^/]+/.exec(file)?.[0])
      .filter(Boolean),
  );
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
