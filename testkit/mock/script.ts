import { tell } from '../../runtime/qmp/listener.js';
import { described, matches } from './matching.js';
import type { Rule } from './rule.js';

/** A command that a mock was sent. */
export interface MockCall {
  readonly command: string;
  /** Its arguments, an empty object when it has none. */
  readonly arguments: unknown;
}

/** A mock was not used as its test expects. The message names all that is different. */
export class MockError extends Error {
  override readonly name = 'MockError';
}

/** What a test expects of a mock, and what has come of it. */
export class Script {
  /** All commands so far. */
  readonly calls: MockCall[] = [];
  /** The commands that had neither a rule nor a handler. */
  readonly unhandled = new Set<string>();
  readonly #rules: Rule[] = [];
  readonly #ordered: boolean;
  readonly #onCall: (call: MockCall) => void;
  readonly #problems: string[] = [];

  constructor(ordered: boolean, onCall: (call: MockCall) => void = () => {}) {
    this.#ordered = ordered;
    this.#onCall = onCall;
  }

  add(rule: Rule): void {
    this.#rules.push(rule);
  }

  /** Notes that something went wrong, for {@link Script.verify}. */
  problem(text: string): void {
    this.#problems.push(text);
  }

  /**
   * Notes a command, and finds the rule for it: the first expectation that is not yet met, or else the last rule without
   * an expectation.
   */
  take(command: string, args: unknown): Rule | undefined {
    const call = { command, arguments: args };
    this.calls.push(call);
    tell(this.#onCall, call);
    const fitting = this.#rules.filter((rule) => rule.command === command && matches(rule.args ?? {}, args));
    const rule = fitting.find(isOpen) ?? fitting.findLast(({ expected }) => !expected);
    if (!rule) return undefined;
    const earlier = this.#rules.find(isOpen);
    if (this.#ordered && rule.expected && earlier !== rule && earlier) {
      this.problem(`${described(command, args)}: came before ${described(earlier.command, earlier.args)}`);
    }
    rule.called++;
    return rule;
  }

  /**
   * Checks that all came that was expected.
   *
   * @throws MockError that names what did not come, and what came instead
   */
  verify(): void {
    const problems = [...this.#rules.filter(isOpen).map(complaint), ...this.#problems];
    if (problems.length === 0) return;
    const calls = this.calls.map((call) => described(call.command, call.arguments));
    const lines = [
      'the mock was not used as expected',
      ...problems.map((problem) => `  ${problem}`),
      ...(calls.length > 0 ? ['it was sent', ...calls.map((call) => `  ${call}`)] : ['it was sent no commands']),
      ...(this.unhandled.size > 0 ? [`without a handler: ${[...this.unhandled].join(', ')}`] : []),
    ];
    throw new MockError(lines.join('\n'));
  }
}

const isOpen = ({ expected, called, times }: Rule): boolean => expected && called < times;

function complaint({ command, args, times, called }: Rule): string {
  const often = (number: number): string => (number === 1 ? 'once' : `${number} times`);
  return `${described(command, args)}: expected ${often(times)}, and came ${called === 0 ? 'never' : often(called)}`;
}
