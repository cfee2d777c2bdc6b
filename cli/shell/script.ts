import { createInterface } from 'node:readline';
import { noColours } from '../../generator/text/report/colours.js';
import { stringify } from '../../runtime/json/stringify.js';
import type { QmpClient } from '../../runtime/qmp/client.js';
import type { Host } from '../host.js';
import { execute } from './execute.js';
import { helpFor } from './help.js';
import type { Knowledge } from './knowledge.js';

/**
 * Executes lines one after the other, until one fails: what each returns goes out as one line of JSON.
 *
 * @param lines absent: those of the standard input
 * @returns whether all went well
 */
export async function runScript(
  lines: readonly string[] | undefined,
  client: QmpClient,
  knowledge: Knowledge,
  host: Host,
): Promise<boolean> {
  for await (const written of lines ?? createInterface({ input: host.stdin })) {
    const line = written.trim();
    if (line === '' || line.startsWith('#')) continue;
    if (line === 'exit') break;
    const outcome = helpFor(line, knowledge, noColours) ?? (await execute(line, client, knowledge));
    if (typeof outcome === 'string') {
      host.stdout.write(outcome);
    } else if (outcome.ok) {
      host.stdout.write(`${stringify(outcome.value)}\n`);
    } else {
      host.stderr.write(`error: ${outcome.problem}\nin: ${line}\n`);
      return false;
    }
  }
  return true;
}
