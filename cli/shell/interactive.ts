import type { Colours } from '../../generator/text/report/colours.js';
import type { JsonValue } from '../../runtime/json/value.js';
import type { QmpEvent } from '../../runtime/qmp/schema.js';
import type { Host } from '../host.js';
import { coloursFor } from '../report.js';
import { complete } from './completion.js';
import type { Outcome } from './execute.js';
import { FollowView } from './follow/view.js';
import { Interpreter, type InterpreterOptions, type Mode } from './interpreter.js';
import { prettyValue, visible } from './pretty.js';
import { openTerminal, type Terminal } from './terminal.js';

const prompts: Readonly<Record<Mode, string>> = {
  qmp: 'qmp> ',
  hmp: '(hmp) ',
  transaction: 'transaction> ',
  more: '...> ',
};

/**
 * Talks with a person until that person leaves or the connection ends.
 *
 * @param events those since the connection was made
 * @returns whether it was the person who ended it
 */
export async function interact(
  options: Omit<InterpreterOptions, 'colours' | 'onRequest'>,
  events: AsyncIterable<QmpEvent>,
  verbose: boolean,
  host: Host,
): Promise<boolean> {
  const { client, knowledge } = options;
  const colours = coloursFor(host.stdout, host.env);
  let terminal: Terminal | undefined;
  let following: FollowView | undefined;
  const interpreter = new Interpreter({
    ...options,
    colours,
    onJobs: (jobs) => following?.show(jobs),
    onRequest: verbose ? (json) => terminal?.tell(colours.faint(`> ${visible(json)}`)) : undefined,
  });
  let left = false;
  let quitting = false;
  /** Stops waiting for the command that is being executed. */
  let interrupt: (() => void) | undefined;
  let work = Promise.resolve();
  let end: (well: boolean) => void = () => {};
  let fail: (error: unknown) => void = () => {};
  const ended = new Promise<boolean>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });

  const take = async (line: string): Promise<void> => {
    if (left || !terminal) return;
    quitting = line.trim() === 'quit';
    const outcome = await unlessInterrupted(interpreter.take(line));
    await following?.end();
    if (outcome?.kind === 'exit') return terminal.close();
    const text = outcome && textOf(outcome, colours);
    terminal.use(prompts[interpreter.mode]);
    const next = text === undefined ? undefined : await terminal.show(text);
    terminal.prompt(prompts[interpreter.mode]);
    if (next !== undefined) await take(next);
  };

  /** What becomes of a line; undefined when Ctrl-C has come before that. Then it is shown when it comes. */
  const unlessInterrupted = async (outcome: Promise<Outcome>): Promise<Outcome | undefined> => {
    let command: string | undefined;
    const interrupted = new Promise<undefined>((resolve) => {
      interrupt = () => {
        command = interpreter.current;
        interpreter.abandon();
        if (command !== undefined) resolve(undefined);
      };
    });
    const first = await Promise.race([outcome, interrupted]);
    interrupt = undefined;
    if (first) return first;
    terminal?.tell(
      colours.warning(`${command} was sent and may still be carried out; what it returns is shown when it comes`),
    );
    outcome.then((late) => {
      const text = textOf(late, colours);
      if (text !== undefined) terminal?.tell(`${colours.warning(`late reply to ${command}:`)} ${text}`);
    }, fail);
    return undefined;
  };

  terminal = await openTerminal(host, {
    line: (line) => {
      work = work.then(() => take(line));
      work.catch(fail);
    },
    interrupt: () => {
      if (interpreter.following) return void following?.ask(interpreter.following).catch(fail);
      if (interrupt && interpreter.current !== undefined) return interrupt();
      const dropped = terminal?.written === '' ? interpreter.drop() : undefined;
      if (dropped !== undefined) terminal?.tell(colours.faint(`${dropped} is dropped`));
      else if (terminal?.written === '') terminal.tell(colours.faint('Ctrl-D or exit leaves'));
      else terminal?.clear();
      terminal?.prompt(prompts[interpreter.mode]);
    },
    end: () => {
      left = true;
      terminal?.save().then(() => end(true), fail);
    },
    complete: (line) => complete(line, knowledge, interpreter.mode),
  });
  following = new FollowView(terminal, host.stdout, colours);
  host.stdout.write(
    `Connected to ${knowledge.program}: ${knowledge.commands.length} commands. 'help' explains, Tab completes.\n`,
  );
  terminal.prompt(prompts[interpreter.mode]);
  const showing = (async () => {
    for await (const event of events) terminal.tell(describeEvent(event, colours));
  })();
  // The end of the connection is reported below.
  showing.catch(() => {});
  client.closed.then((error) => {
    if (left) return;
    terminal.tell(colours.error(error?.message ?? 'the connection was closed'));
    end(quitting);
    terminal.close();
  });
  return ended;
}

/** What is shown of an outcome; undefined when there is nothing to show. */
function textOf(outcome: Outcome, colours: Colours): string | undefined {
  switch (outcome.kind) {
    case 'value':
      return prettyValue(outcome.value, colours);
    case 'text':
      return outcome.text.trimEnd() || undefined;
    case 'problem':
      return colours.error(outcome.problem);
    default:
      return undefined;
  }
}

function describeEvent({ event, data, date }: QmpEvent, colours: Colours): string {
  const time = Number.isNaN(date.getTime()) ? '' : `${date.toISOString().slice(11, 23)} `;
  const value = data === undefined ? '' : ` ${prettyValue(data as JsonValue, colours)}`;
  return `${colours.faint(time)}${colours.warning(visible(event))}${value}`;
}
