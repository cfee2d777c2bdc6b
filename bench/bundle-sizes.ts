import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Metafile } from 'esbuild';
import { bundlePackage } from '../build/bundle.mjs';
import { generate } from '../generator/emit/generate.js';
import { writeFiles } from '../generator/emit/output/write.js';
import { loadSchema } from '../generator/schema/load.js';

/** A program that executes three commands. */
export interface Program {
  readonly title: string;
  /** The file of this folder that holds it. */
  readonly file: string;
  /** The schema that it is generated for: the one that is shipped, or that of a QEMU release in the corpus. */
  readonly schema: 'shipped' | '10.1';
  /** The most bytes that it should take, minified and gzipped. */
  readonly target?: number;
}

/** What is measured. */
export const programs: readonly Program[] = [
  { title: 'a client, types only', file: 'client-types-only.ts', schema: 'shipped', target: 6000 },
  {
    title: 'a client that checks replies, `qapi/`',
    file: 'client-checking-replies.ts',
    schema: 'shipped',
    target: 14_000,
  },
  {
    title: 'a client that checks replies, QEMU 10.1',
    file: 'client-checking-replies.ts',
    schema: '10.1',
    target: 14_000,
  },
  { title: 'a client that checks arguments, too, `qapi/`', file: 'client-validating.ts', schema: 'shipped' },
  { title: 'a client that checks arguments, too, QEMU 10.1', file: 'client-validating.ts', schema: '10.1' },
  { title: 'a client of node-qemu, without types', file: 'client-node-qemu.ts', schema: 'shipped' },
];

/** Bytes of what a bundler makes of a program with all that it needs. */
export interface BundleSize {
  /** What is loaded when the program starts. */
  readonly minified: number;
  readonly gzipped: number;
  /** What is loaded when something fails, to say why: gzipped, beside that. */
  readonly onFailure: number;
}

/** Puts the code of the package, as it is shipped, where programs in `folder` find it. */
export async function installFromSources(root: string, folder: string): Promise<void> {
  const installed = join(folder, 'node_modules/qapi-ts');
  await mkdir(installed, { recursive: true });
  await cp(join(root, 'package.json'), join(installed, 'package.json'));
  await bundlePackage(root, join(installed, 'dist'));
}

/**
 * Measures a program in a folder in which the package is installed.
 *
 * @param root the project's folder
 * @param folder a folder of the program's own is made in it
 * @returns nothing where the program's schema is missing
 */
export async function bundleSize(root: string, folder: string, program: Program): Promise<BundleSize | undefined> {
  const path = schemaPath(root, program);
  if (!existsSync(path)) return undefined;
  const { schema } = await loadSchema(path);
  if (!schema) throw new Error(`${path} is not valid`);
  const own = await mkdtemp(join(folder, 'program-'));
  await writeFile(join(own, 'package.json'), '{ "private": true, "type": "module" }');
  await mkdir(join(own, 'generated'));
  writeFiles(join(own, 'generated'), generate(schema));
  const text = await readFile(join(root, 'bench', program.file), 'utf8');
  const installed = text
    .replaceAll('../runtime/index.js', 'qapi-ts/runtime')
    .replaceAll('../generated/', './generated/');
  await writeFile(join(own, 'program.ts'), installed);
  // What else a program is measured with.
  await symlink(join(root, 'node_modules'), join(own, 'node_modules'), 'dir');
  const { outputFiles, metafile } = await build({
    absWorkingDir: own,
    entryPoints: ['program.ts'],
    outdir: 'bundle',
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    write: false,
    metafile: true,
  });
  const codes = new Map(outputFiles.map(({ path, contents }) => [relative(own, path), contents]));
  const gzipped = (code: Uint8Array): number => gzipSync(code, { level: 9 }).length;
  const atFirst = loadedWith('bundle/program.js', metafile);
  // What is loaded on demand takes along at once what it shares with the program, so that it should share nothing.
  if (atFirst.size > 1)
    throw new Error(`${program.title}: something that is loaded on demand imports a module of the client`);
  const size = { minified: 0, gzipped: 0, onFailure: 0 };
  for (const [path, code] of codes) {
    if (!atFirst.has(path)) {
      size.onFailure += gzipped(code);
      continue;
    }
    size.minified += code.length;
    size.gzipped += gzipped(code);
  }
  return size;
}

/** The files that a file needs when it is loaded, and not only when an expression in it imports them. */
function loadedWith(entry: string, { outputs }: Metafile): ReadonlySet<string> {
  const found = new Set([entry]);
  for (const path of found)
    for (const { kind, path: imported } of outputs[path]?.imports ?? [])
      if (kind === 'import-statement' && imported in outputs) found.add(imported);
  return found;
}

function schemaPath(root: string, { schema }: Program): string {
  if (schema === 'shipped') return join(root, 'qapi/qapi-schema.json');
  return resolve(root, process.env.QAPI_CORPUS ?? '../shared/corpus', 'releases', schema, 'qapi/qapi-schema.json');
}
