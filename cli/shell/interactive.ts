import { clearLine, createInterface, cursorTo } from 'node:readline';
import type { Writable } from 'node:stream';
import type { Colours } from '../../generator/text/report/colours.js';
import type { JsonValue } from '../../runtime/json/value.js';
import type { QmpClient } from '../../runtime/qmp/client.js';
import type { QmpEvent } from '../../runtime/qmp/schema.js';
import type { Host } from '../host.js';
import { coloursFor } from '../report.js';
import { complete } from './completion.js';
import { execute } from './execute.js';
import { helpFor } from './help.js';
import { historyFile, historySize, readHistory, writeHistory } from './history.js';
import type { Knowledge } from './knowledge.js';
import { prettyValue, visible } from './pretty.js';

/**
 * Talks with a person until that person leaves or the connection ends.
 *
 * @param events those since the connection was made
 * @returns whether it was the person who ended it
 */
export async function interact(
  client: QmpClient,
  events: AsyncIterable<QmpEvent>,
  knowledge: Knowledge,
  host: Host,
): Promise<boolean> {
  const output = host.stdout as Host['stdout'] & Writable;
  const colours = coloursFor(output, host.env);
  const file = historyFile(host.env);
  const terminal = createInterface({
    input: host.stdin,
    output,
    terminal: true,
    prompt: 'qmp> ',
    history: await readHistory(file),
    historySize,
    removeHistoryDuplicates: true,
    completer: (line: string, done: (error: null, result: [string[], string]) => void) => {
      complete(line, knowledge).then(
        ([hits, replaced]) => done(null, [hits, replaced]),
        () => done(null, [[], '']),
      );
    },
  });
  let history: readonly string[] = [];
  terminal.on('history', (lines) => {
    history = [...lines];
  });

  let left = false;
  let quitting = false;
  /** Prints above the line that is being written. */
  const tell = (text: string): void => {
    if (left) return;
    clearLine(output, 0);
    cursorTo(output, 0);
    output.write(`${text}\n`);
    terminal.prompt(true);
  };
  output.write(
    `Connected to ${knowledge.program}: ${knowledge.commands.length} commands. 'help' explains, Tab completes.\n`,
  );
  terminal.prompt();
  const showing = (async () => {
    for await (const event of events) tell(describeEvent(event, colours));
  })();
  // The end of the connection is reported below.
  showing.catch(() => {});
  let work = Promise.resolve();
  return new Promise((resolve, reject) => {
    terminal.on('line', (written) => {
      work = work.then(async () => {
        const line = written.trim();
        if (left) return;
        if (line === 'exit') return terminal.close();
        quitting = line === 'quit';
        if (line === '') terminal.prompt(true);
        else tell((await answer(line, client, knowledge, colours)).trimEnd());
      });
      work.catch(reject);
    });
    terminal.on('SIGINT', () => tell(colours.faint('Ctrl-D or exit leaves')));
    terminal.on('close', () => {
      left = true;
      writeHistory(file, history).then(() => resolve(true), reject);
    });
    client.closed.then((error) => {
      if (left) return;
      tell(colours.error(error?.message ?? 'the connection was closed'));
      resolve(quitting);
      terminal.close();
    });
  });
}

async function answer(line: string, client: QmpClient, knowledge: Knowledge, colours: Colours): Promise<string> {
  const help = helpFor(line, knowledge, colours);
  if (help !== undefined) return help;
  const outcome = await execute(line, client, knowledge);
  return outcome.ok ? `${prettyValue(outcome.value, colours)}\n` : `${colours.error(outcome.problem)}\n`;
}

function describeEvent({ event, data, date }: QmpEvent, colours: Colours): string {
  const time = Number.isNaN(date.getTime()) ? '' : `${date.toISOString().slice(11, 23)} `;
  const value = data === undefined ? '' : ` ${prettyValue(data as JsonValue, colours)}`;
  return `${colours.faint(time)}${colours.warning(visible(event))}${value}`;
}
