/**
 * Proves that the package works where it is installed: packs it, lints the tarball, installs it in an empty folder,
 * generates code there, and compiles and runs a program that uses all of it under the strictest settings.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const folder = await mkdtemp(join(tmpdir(), 'qapi-ts-package-'));
const bin = (name) => join(root, 'node_modules/.bin', name);

try {
  const [{ filename, size, unpackedSize, files }] = JSON.parse(
    run(root, 'npm', 'pack', '--json', '--ignore-scripts', '--pack-destination', folder),
  );
  const tarball = join(folder, filename);
  console.log(`${filename}: ${files.length} files, ${kilobytes(size)} packed, ${kilobytes(unpackedSize)} unpacked`);
  for (const { path } of files) {
    if (!/^(dist|qapi)\/|^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(path))
      throw new Error(`${path} is packed`);
  }

  console.log(run(root, bin('publint'), 'run', tarball, '--strict'));
  console.log(run(root, bin('attw'), tarball, '--profile', 'esm-only', '--no-emoji'));

  const consumer = join(folder, 'consumer');
  await mkdir(consumer);
  await cp(join(import.meta.dirname, 'consumer'), consumer, { recursive: true });
  await writeFile(join(consumer, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const { stdout, stderr } = spawnSync('npm', ['install', '--no-audit', '--no-fund', tarball], {
    cwd: consumer,
    encoding: 'utf8',
  });
  assert.equal(stderr, '', 'npm has something to say about the package');
  console.log(stdout.trim());
  run(consumer, 'npm', 'install', '--no-audit', '--no-fund', '--save-dev', '@types/node@20');

  const cli = join(consumer, 'node_modules/.bin/qapi-ts');
  console.log(`qapi-ts ${run(consumer, cli, '--version').trim()} is installed`);
  console.log(run(consumer, cli, 'check', 'schema.json'));
  console.log(run(consumer, cli, 'generate', 'schema.json', '-o', 'generated'));
  run(consumer, cli, 'generate', 'schema.json', '-o', 'generated', '--check');
  run(consumer, cli, 'generate', join(root, 'qapi/qapi-schema.json'), '-o', 'generated-block');
  run(consumer, process.execPath, join(root, 'node_modules/typescript/bin/tsc'), '-p', '.');
  // Where a program runs there are no development dependencies.
  run(consumer, 'npm', 'ci', '--no-audit', '--no-fund', '--omit=dev');
  console.log(run(consumer, process.execPath, 'build/program.js').trim());

  const trace = failure(consumer, process.execPath, 'build/uncaught.js');
  assert.match(
    trace,
    /\/dist\/.*\n +reject\(new QmpConnectionError\(/,
    'an uncaught error shows the line that throws it',
  );
  assert(Math.max(...trace.split('\n').map((line) => line.length)) < 400, 'an uncaught error shows long lines');
  const mapped = failure(consumer, process.execPath, '--enable-source-maps', 'build/uncaught.js');
  assert.match(mapped, /\/runtime\/qmp\/\w+\.ts:\d+:\d+\)/, 'source maps name no line of ours');
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Runs a program that must fail and returns what it prints. */
function failure(cwd, program, ...args) {
  const { status, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  assert.notEqual(status, 0, `${args.join(' ')} does not fail`);
  return stderr;
}

/** Runs a program and returns what it prints; throws with that when it fails. */
function run(cwd, program, ...args) {
  try {
    return execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    throw new Error(`${program} ${args.join(' ')} failed\n${error.stdout}${error.stderr}`);
  }
}

function kilobytes(bytes) {
  return `${Math.round(bytes / 1000)} kB`;
}
