import packageJson from '../package.json' with { type: 'json' };
import type { Host } from './host.js';
import { exitCodes } from './subcommand.js';
import { UserError } from './user-error.js';

/** Says what went wrong, and returns the exit code for it. */
export function report(error: unknown, { env, stderr }: Host): number {
  const trace = env.QAPI_TS_DEBUG ? `${error instanceof Error ? error.stack : String(error)}\n` : '';
  if (error instanceof UserError) {
    stderr.write(`error: ${error.message}\n${error.hint === undefined ? '' : `${error.hint}\n`}${trace}`);
    return exitCodes.problems;
  }
  stderr.write(
    `internal error: ${error instanceof Error ? error.message : String(error)}\n` +
      'This is a mistake in qapi-ts, not in your schema. Please report it with the schema, the command line and what\n' +
      `the same command prints with QAPI_TS_DEBUG=1 (qapi-ts ${packageJson.version}, Node.js ${process.version}).\n${trace}`,
  );
  return exitCodes.bug;
}
