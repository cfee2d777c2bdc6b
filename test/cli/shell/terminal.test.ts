import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { openTerminal, type Terminal } from '../../../cli/shell/terminal.js';
import { folderWith } from '../command-line.js';

/** What a terminal shows of what is written to it, as far as this program uses it. */
class Screen {
  readonly #rows: string[] = [''];
  readonly #columns: number;
  #row = 0;
  #column = 0;

  constructor(columns: number) {
    this.#columns = columns;
  }

  get rows(): string[] {
    return this.#rows.map((row) => row.trimEnd());
  }

  write(text: string): void {
    const parts = new RegExp(`${String.fromCharCode(27)}\\[(\\d*)(?:;\\d*)?([A-Z])|[^]`, 'gi');
    for (const [char, count, control] of text.matchAll(parts)) {
      if (control !== undefined) this.#move(control, Number(count || 1));
      else if (char === '\n') this.#down();
      else if (char === '\r') this.#column = 0;
      else this.#put(char);
    }
  }

  #move(control: string, count: number): void {
    if (control === 'A') this.#row = Math.max(0, this.#row - count);
    else if (control === 'B') this.#row += count;
    else if (control === 'C') this.#column += count;
    else if (control === 'D') this.#column -= count;
    else if (control === 'G') this.#column = count - 1;
    else if (control === 'J') {
      this.#rows[this.#row] = (this.#rows[this.#row] ?? '').slice(0, this.#column);
      this.#rows.splice(this.#row + 1);
    } else throw new Error(`there is no control sequence ${control}`);
  }

  #down(): void {
    this.#row++;
    // Terminals are set to begin the next row with it.
    this.#column = 0;
    while (this.#rows.length <= this.#row) this.#rows.push('');
  }

  #put(char: string): void {
    if (this.#column === this.#columns) this.#down();
    while (this.#rows.length <= this.#row) this.#rows.push('');
    const row = (this.#rows[this.#row] ?? '').padEnd(this.#column);
    this.#rows[this.#row] = row.slice(0, this.#column) + char + row.slice(this.#column + 1);
    this.#column++;
  }
}

async function open(columns = 40): Promise<{ terminal: Terminal; screen: Screen; type(keys: string): Promise<void> }> {
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} });
  const stdout = Object.assign(new PassThrough(), { isTTY: true, columns });
  const screen = new Screen(columns);
  stdout.on('data', (chunk: Buffer) => screen.write(String(chunk)));
  const state = folderWith({});
  const terminal = await openTerminal(
    {
      cwd: state,
      env: { XDG_STATE_HOME: state },
      stdin,
      stdout,
      stderr: stdout,
      catchInterrupt: () => new AbortController().signal,
    },
    { line: () => {}, interrupt: () => {}, end: () => {}, complete: async () => [[], ''] },
  );
  onTestFinished(() => terminal.close());
  return {
    terminal,
    screen,
    async type(keys) {
      stdin.write(keys);
      await delay(20);
    },
  };
}

test('a message stands above the line that is written, also where that takes several rows', async () => {
  const { terminal, screen, type } = await open(10);
  terminal.prompt('qmp> ');
  await type('a b c d e f g');
  terminal.tell('first');
  terminal.tell('second');
  expect(screen.rows).toEqual(['first', 'second', 'qmp> a b c', ' d e f g']);
});

test('a status of several lines takes the place of the former one, below messages', async () => {
  const { terminal, screen } = await open();
  terminal.prompt('qmp> ');
  terminal.status('a  10%\nb  20%');
  terminal.tell('an event');
  terminal.status('a  30%\nb  40%');
  terminal.status('b  50%');
  terminal.tell('another');
  terminal.status('b  60%\nc   0%\nd   0%');
  // What stands there is not what stands there next.
  terminal.use('qmp> ');
  terminal.tell('{}');
  expect(screen.rows).toEqual(['an event', 'another', '{}', 'qmp>']);
});

test('a question is not written over by a status, and can be taken back', async () => {
  const { terminal, screen, type } = await open();
  terminal.prompt('qmp> ');
  terminal.status('a  10%\nb  20%');
  const answer = terminal.ask('Cancel a, b? ');
  terminal.status('a  20%\nb  30%');
  expect(screen.rows).toEqual(['Cancel a, b?']);
  await type('y\r');
  expect(await answer).toBe('y');
  const second = terminal.ask('Cancel a, b? ');
  terminal.withdraw();
  expect(await second).toBeUndefined();
  terminal.status('a  40%');
  expect(screen.rows.at(-1)).toBe('a  40%');
});
