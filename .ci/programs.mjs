/** How the packaging check runs programs. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

/** Runs a program and returns what it prints; throws with that when it fails. */
export function run(cwd, program, ...args) {
  try {
    return execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    throw new Error(`${program} ${args.join(' ')} failed\n${error.stdout}${error.stderr}`);
  }
}

/** Runs a program that must fail and returns what it prints as errors. */
export function failure(cwd, program, ...args) {
  const { status, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  assert.notEqual(status, 0, `${args.join(' ')} does not fail`);
  return stderr;
}

/**
 * Runs a server while something else is done.
 *
 * @param socket appears in the file system when the server is ready
 * @returns all that it printed
 */
export async function serving(cwd, [program, ...args], socket, action) {
  const server = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(server, 'close');
  let printed = '';
  for (const stream of [server.stdout, server.stderr])
    stream.setEncoding('utf8').on('data', (text) => (printed += text));
  try {
    for (let tries = 0; !existsSync(socket); tries++) {
      assert(server.exitCode === null && tries < 600, `${program} ${args.join(' ')} does not serve\n${printed}`);
      await setTimeout(50);
    }
    await action();
  } finally {
    server.kill();
    await ended;
  }
  return printed;
}

/** Whether all of some programs are there. On CI they must be; `.ci/run` installs them. */
export function havePrograms(...programs) {
  const missing = programs.filter((program) => spawnSync('which', [program]).status !== 0);
  assert(missing.length === 0 || process.env.CI !== 'true', `${missing.join(', ')} is missing`);
  if (missing.length > 0) console.log(`SKIPPED: an example that needs ${missing.join(', ')}`);
  return missing.length === 0;
}
