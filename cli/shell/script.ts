import { createInterface } from 'node:readline';
import { noColours } from '../../generator/text/report/colours.js';
import { stringify } from '../../runtime/json/stringify.js';
import type { Host, Output } from '../host.js';
import { exitCodes } from '../subcommand.js';
import { nothing, type Outcome, problem } from './execute.js';
import type { JobProgress } from './follow/followed-jobs.js';
import { JobLines } from './follow/job-lines.js';
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
  const progress = progressOn(host.stderr);
  const interpreter = new Interpreter({ ...options, colours: noColours, onJobs: progress.show });
  const stop = host.catchInterrupt();
  const interrupted = new Promise<Outcome>((resolve) => {
    stop.addEventListener('abort', () => {
      const { current, following } = interpreter;
      if (following) resolve(problem(`interrupted: what is followed goes on: ${following.ids.join(', ')}`));
      else if (current === undefined) resolve(nothing);
      else resolve(problem(`interrupted: ${current} was sent and may still be carried out`));
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
    progress.clear();
    const well = show(outcome, line);
    if (stop.aborted) break;
    if (!well) return exitCodes.problems;
    if (outcome.kind === 'exit') return exitCodes.ok;
  }
  if (stop.aborted) return exitCodes.interrupted;
  return show(interpreter.finish(), last) ? exitCodes.ok : exitCodes.problems;
}

/** Shows jobs on one line that is written again and again, where a person sees it. */
function progressOn(output: Output): { show(jobs: readonly JobProgress[]): void; clear(): void } {
  const lines = new JobLines();
  let shown = 0;
  const write = (text: string): void => {
    if (output.isTTY !== true || (text === '' && shown === 0)) return;
    output.write(`\r${text.padEnd(shown)}${text === '' ? '\r' : ''}`);
    shown = text.length;
  };
  return {
    show: (jobs) => {
      const columns = Math.floor(((output.columns ?? 80) - 1) / jobs.length) - 1;
      write(lines.of(jobs, columns).join(' '));
    },
    clear: () => write(''),
  };
}
