/**
 * Proves that the package works where it is installed: packs it, lints the tarball, installs it in an empty folder,
 * generates code there, compiles it with every version of TypeScript that is supported, and runs programs that use all of it.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runExamples } from './examples.mjs';
import { failure, run } from './programs.mjs';

const root = join(import.meta.dirname, '..');
const folder = await mkdtemp(join(tmpdir(), 'qapi-ts-package-'));
const bin = (name) => join(root, 'node_modules/.bin', name);

/** The compilers that are supported, oldest first, and what the older ones need instead of options that came later. */
const compilers = [
  {
    name: 'typescript-5.4',
    options: { target: 'es2022', lib: ['es2023'], isolatedDeclarations: undefined, erasableSyntaxOnly: undefined },
  },
  { name: 'typescript-5.9', options: {} },
  { name: 'typescript', options: {} },
];

try {
  const tarball = await pack();
  const consumer = join(folder, 'consumer');
  await install(tarball, consumer);
  generateAll(consumer);
  for (const compiler of compilers) await compile(consumer, compiler);
  // Where a program runs there are no development dependencies.
  run(consumer, 'npm', 'ci', '--no-audit', '--no-fund', '--omit=dev');
  console.log(run(consumer, process.execPath, 'build/program.js').trim());
  readTraces(consumer);
  const examples = join(folder, 'examples');
  await mkdir(examples);
  await runExamples(examples, tarball);
  console.log('the examples run');
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Packs the package and returns the tarball's path. */
async function pack() {
  const [{ filename, size, unpackedSize, files }] = JSON.parse(
    run(root, 'npm', 'pack', '--json', '--ignore-scripts', '--pack-destination', folder),
  );
  const tarball = join(folder, filename);
  console.log(`${filename}: ${files.length} files, ${kilobytes(size)} packed, ${kilobytes(unpackedSize)} unpacked`);
  for (const { path } of files) {
    if (!/^(dist|qapi)\/|^docs\/qapi-ts\.1$|^(package\.json|README\.md|LICENSE)$/.test(path))
      throw new Error(`${path} is packed`);
  }
  console.log(run(root, bin('publint'), 'run', tarball, '--strict'));
  console.log(run(root, bin('attw'), tarball, '--profile', 'esm-only', '--no-emoji'));
  return tarball;
}

/** Installs the package as a user does. npm must add no other package, and warn of nothing. */
async function install(tarball, consumer) {
  await cp(join(import.meta.dirname, 'consumer'), consumer, { recursive: true });
  await writeFile(join(consumer, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const options = { cwd: consumer, encoding: 'utf8' };
  const install = ['install', '--loglevel=notice', '--no-audit', '--no-fund', tarball];
  const { stdout, stderr } = spawnSync('npm', install, options);
  assert.equal(stderr, '', 'npm has something to say about the package');
  console.log(stdout.trim());
  const packages = (await readdir(join(consumer, 'node_modules'))).filter((name) => !name.startsWith('.'));
  assert.deepEqual(packages, ['qapi-ts'], 'another package is installed');
  run(consumer, 'npm', 'install', '--no-audit', '--no-fund', '--save-dev', '@types/node@20');
}

function generateAll(consumer) {
  const cli = join(consumer, 'node_modules/.bin/qapi-ts');
  console.log(`qapi-ts ${run(consumer, cli, '--version').trim()} is installed`);
  console.log(run(consumer, cli, 'check', 'schema.json'));
  console.log(run(consumer, cli, 'generate', 'schema.json', '-o', 'generated'));
  run(consumer, cli, 'generate', 'schema.json', '-o', 'generated', '--check');
  // A configuration in TypeScript, which old releases of Node read through a package that is bundled.
  const config = join(consumer, 'qapi-ts.config.ts');
  writeFileSync(config, "export default { schema: 'schema.json' as string, output: 'generated' as string };\n");
  run(consumer, cli, 'generate', '--check');
  rmSync(config);
  run(consumer, cli, 'generate', join(root, 'qapi/qapi-schema.json'), '-o', 'generated-block');
  const without = failure(consumer, cli, 'affected', '--old', 'schema.json', '--new', 'schema.json');
  assert.match(without, /npm install --save-dev ts-morph/, 'affected does not say what it lacks');
  run(consumer, cli, 'scaffold', 'server', '--schema', 'schema.json', '-o', 'handlers.ts');
}

async function compile(consumer, { name, options }) {
  const settings = JSON.parse(await readFile(join(import.meta.dirname, 'consumer/tsconfig.json'), 'utf8'));
  Object.assign(settings.compilerOptions, options);
  await writeFile(join(consumer, 'tsconfig.json'), JSON.stringify(settings));
  const compiler = join(root, 'node_modules', name);
  run(consumer, process.execPath, join(compiler, 'bin/tsc'), '-p', '.');
  const { version } = JSON.parse(await readFile(join(compiler, 'package.json'), 'utf8'));
  console.log(`TypeScript ${version} compiles it`);
}

/** An error that nothing catches shows lines of ours. */
function readTraces(consumer) {
  const trace = failure(consumer, process.execPath, 'build/uncaught.js');
  assert.match(trace, /\/dist\/.*\n\s+reject\(new QmpConnectionError\(/, 'an error hides the line that throws it');
  assert.match(
    trace,
    /^QmpConnectionError: cannot connect to \/nowhere\/qmp\.sock: no such socket; /m,
    'an error hides why',
  );
  assert(Math.max(...trace.split('\n').map((line) => line.length)) < 400, 'an uncaught error shows long lines');
  const mapped = failure(consumer, process.execPath, '--enable-source-maps', 'build/uncaught.js');
  assert.match(mapped, /\/runtime\/qmp\/\w+\.ts:\d+:\d+\)/, 'source maps name no line of ours');
}

function kilobytes(bytes) {
  return `${Math.round(bytes / 1000)} kB`;
}
