import { createInterface } from 'node:readline';
import { noColours } from '../../generator/text/report/colours.js';
import { stringify } from '../../runtime/json/stringify.js';
import type { Host } from '../host.js';
import { exitCodes } from '../subcommand.js';
import { nothing, type Outcome, problem } from './execute.js';
import { Interpreter, type InterpreterOptions } from './interpreter.js';
import { prettyValue } from './pretty.js';

/**
 * Executes lines one after the other, until one fails: what each returns goes out as one line of JSON, or over several lines for people.
 *
 * @param lines absent: those of the standard input
 * @returns the exit code
 */
export async function runScript(
  lines: readonly string[] | undefined,
  options: Omit<InterpreterOptions, 'colours'>,
  pretty: boolean,
  host: Host,
): Promise<number> {
  const interpreter = new Interpreter({ ...options, colours: noColours });
  const stop = host.catchInterrupt();
  const interrupted = new Promise<Outcome>((resolve) => {
    stop.addEventListener('abort', () => {
      const { current } = interpreter;
      resolve(
        current === undefined ? nothing : problem(`interrupted: ${current} was sent and may still be carried out`),
      );
    });
  });
  const show = (outcome: Outcome, line: string): boolean => {
    if (outcome.kind === 'text') host.stdout.write(outcome.text);
    if (outcome.kind === 'value') {
      host.stdout.write(`${pretty ? prettyValue(outcome.value, noColours) : stringify(outcome.value)}\n`);
    }
    if (outcome.kind === 'problem') host.stderr.write(`error: ${outcome.problem}\nin: ${line.trim()}\n`);
    return outcome.kind !== 'problem';
  };
  let last = '';
  for await (const line of lines ?? createInterface({ input: host.stdin, signal: stop })) {
    last = line;
    const outcome = await Promise.race([interrupted, interpreter.take(line)]);
    const well = show(outcome, line);
    if (stop.aborted) break;
    if (!well) return exitCodes.problems;
    if (outcome.kind === 'exit') return exitCodes.ok;
  }
  if (stop.aborted) return exitCodes.interrupted;
  return show(interpreter.finish(), last) ? exitCodes.ok : exitCodes.problems;
}
