import { basename } from 'node:path';
import type { ConnectOptions } from '../../runtime/qmp/client-options.js';
import type { AnySchema } from '../../runtime/qmp/schema.js';
import { type SpawnedProgram, spawnQemu, spawnStorageDaemon } from '../../runtime/qmp/spawn.js';
import type { Host } from '../host.js';
import { UserError } from '../user-error.js';

/**
 * Starts the program of a command line, as a shell would read it, with a monitor of its own beside what it says. What the program
 * prints goes to the standard error.
 *
 * @throws UserError when the command line cannot be read
 * @throws QmpConnectionError when the program does not start
 */
export async function startProgram(
  commandLine: string,
  options: ConnectOptions,
  host: Host,
): Promise<SpawnedProgram<AnySchema>> {
  const [program, ...args] = wordsOf(commandLine);
  if (program === undefined) throw new UserError('--exec needs the command line of a program');
  const start = /storage-daemon/.test(basename(program)) ? spawnStorageDaemon : spawnQemu;
  const started = await start({ ...options, program, args, cwd: host.cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [started.process.stdout, started.process.stderr]) {
    stream?.on('data', (chunk: Buffer | string) => host.stderr.write(String(chunk)));
  }
  return started;
}

/**
 * The words of a command line: quotes keep spaces together, a backslash takes the next character as it is.
 *
 * @throws UserError when a quote is not closed
 */
export function wordsOf(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (quote !== '') {
      if (character === quote) quote = '';
      else if (quote === '"' && character === '\\' && /["\\$`]/.test(text[at + 1] ?? '')) word += text[++at] as string;
      else word += character;
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word ??= '';
      if (character === '"' || character === "'") quote = character;
      else word += character === '\\' ? (text[++at] ?? '') : character;
    }
  }
  if (quote !== '') throw new UserError(`the quote ${quote} in '${text}' is not closed`);
  return word === undefined ? words : [...words, word];
}
