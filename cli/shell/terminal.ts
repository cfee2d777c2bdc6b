import { clearScreenDown, createInterface, cursorTo, type Interface, moveCursor } from 'node:readline';
import type { Writable } from 'node:stream';
import type { Host } from '../host.js';
import type { Completion } from './completion.js';
import { historyFile, historySize, readHistory, writeHistory } from './history.js';
import { pageOf } from './pager.js';

/** What a terminal is asked for by its user. */
export interface TerminalListener {
  line(line: string): void;
  /** Ctrl-C, when there is no long text to end. */
  interrupt(): void;
  /** Ctrl-D, or the end of the terminal. */
  end(): void;
  complete(line: string): Promise<Completion>;
}

/** A terminal with a prompt, a history, and text above the line that is being written. */
export class Terminal {
  readonly #interface: Interface;
  readonly #output: Host['stdout'] & Writable;
  readonly #file: string;
  #history: readonly string[] = [];
  #prompt = '';
  /** The prompt that is on the screen. */
  #shown = '';
  #closed = false;
  /** Takes the next line instead of the listener: a long text waits for it. */
  #answer: ((line: string | undefined) => void) | undefined;

  constructor(host: Host, history: string[], listener: TerminalListener) {
    this.#output = host.stdout as Host['stdout'] & Writable;
    this.#file = historyFile(host.env);
    this.#interface = createInterface({
      input: host.stdin,
      output: this.#output,
      terminal: true,
      history,
      historySize,
      removeHistoryDuplicates: true,
      completer: (line: string, done: (error: null, result: [string[], string]) => void) => {
        listener.complete(line).then(
          ([hits, replaced]) => done(null, [hits, replaced]),
          () => done(null, [[], '']),
        );
      },
    });
    this.#interface.on('history', (lines) => {
      this.#history = [...lines];
    });
    this.#interface.on('line', (line) => {
      if (this.#answer) this.#answered(line.trim());
      else listener.line(line);
    });
    this.#interface.on('SIGINT', () => {
      if (this.#answer) this.#answered('q');
      else listener.interrupt();
    });
    this.#interface.on('close', () => {
      this.#closed = true;
      this.#answered(undefined);
      listener.end();
    });
  }

  /** The line that is being written. */
  get written(): string {
    return this.#interface.line;
  }

  prompt(text: string): void {
    this.use(text);
    this.#draw();
  }

  /** Sets the prompt that is shown from the next time on. */
  use(text: string): void {
    this.#prompt = text;
    this.#interface.setPrompt(text);
  }

  /** Prints above the line that is being written. */
  tell(text: string): void {
    if (this.#closed) return;
    // A prompt, or a line, may take several rows.
    this.#interface.setPrompt(this.#shown);
    const { rows } = this.#interface.getCursorPos();
    this.#interface.setPrompt(this.#prompt);
    if (rows > 0) moveCursor(this.#output, 0, -rows);
    cursorTo(this.#output, 0);
    clearScreenDown(this.#output);
    // Node draws the next prompt as many rows higher as the line had when it was drawn last, before more was written.
    const { prevRows = 0 } = this.#interface as { readonly prevRows?: number };
    this.#output.write(`${text}\n${'\n'.repeat(prevRows)}`);
    this.#draw();
  }

  /** Shows how something gets on in the place of the prompt, unless a question stands there. */
  status(text: string): void {
    if (this.#answer === undefined) this.prompt(text);
  }

  /**
   * The same for text that may be longer than the screen: page by page then.
   *
   * @returns the line by which its reader has gone on to something else
   */
  async show(text: string): Promise<string | undefined> {
    const { rows, columns = 80 } = this.#output as { rows?: number; columns?: number };
    const lines = text.split('\n');
    for (let { shown, rest } = pageOf(lines, (rows ?? Number.POSITIVE_INFINITY) - 1, columns); ; ) {
      this.tell(shown);
      if (rest.length === 0 || this.#closed) return undefined;
      const answer = await this.ask(`-- ${rest.length} more lines: Enter goes on, a shows all, q ends -- `);
      if (answer === undefined || answer === 'q') return undefined;
      if (answer !== '' && answer !== 'a') return answer;
      const room = answer === 'a' ? Number.POSITIVE_INFINITY : (rows as number) - 1;
      ({ shown, rest } = pageOf(rest, room, columns));
    }
  }

  /** Forgets the line that is being written. */
  clear(): void {
    this.#interface.write(null, { ctrl: true, name: 'e' });
    this.#interface.write(null, { ctrl: true, name: 'u' });
  }

  close(): void {
    this.#interface.close();
  }

  /** Keeps the history for later sessions. */
  save(): Promise<void> {
    return writeHistory(this.#file, this.#history);
  }

  /** Asks for a line. @returns it; `undefined` when the terminal was closed, or the question {@link withdraw withdrawn} */
  async ask(question: string): Promise<string | undefined> {
    const before = this.#prompt;
    const answer = new Promise<string | undefined>((resolve) => {
      this.#answer = resolve;
    });
    this.prompt(question);
    const answered = await answer;
    this.use(before);
    return answered;
  }

  /** Asks no more. */
  withdraw(): void {
    this.#answered(undefined);
  }

  #draw(): void {
    if (this.#closed) return;
    this.#interface.prompt(true);
    this.#shown = this.#prompt;
  }

  #answered(line: string | undefined): void {
    const answer = this.#answer;
    this.#answer = undefined;
    answer?.(line);
  }
}

/** Opens the terminal of a host. */
export async function openTerminal(host: Host, listener: TerminalListener): Promise<Terminal> {
  return new Terminal(host, await readHistory(historyFile(host.env)), listener);
}
