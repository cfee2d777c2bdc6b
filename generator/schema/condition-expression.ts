import type { Condition } from './model.js';

/** Deeper nesting than this is kept as text: no schema has any, and reading it must not exhaust the stack. */
const depthLimit = 100;

/**
 * Reads the C preprocessor expression of an `if` of 3.0–6.1. What is more than `defined`, names, `!`, `&&`, `||` and
 * parentheses is kept as text. A bare name counts as a symbol: configuration symbols are defined as 1 or not at all.
 */
export function parseExpression(text: string): Condition {
  const tokens = text.match(/&&|\|\||[!()]|[A-Za-z_]\w*|\S/g) ?? [];
  const reader = new ExpressionReader(tokens);
  const condition = reader.alternatives(0);
  return condition && reader.atEnd ? condition : { kind: 'expression', text };
}

/** Recursive descent. Every method returns undefined at the first thing that it does not understand. */
class ExpressionReader {
  readonly #tokens: readonly string[];
  #next = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  get atEnd(): boolean {
    return this.#next === this.#tokens.length;
  }

  alternatives(depth: number): Condition | undefined {
    return this.#chain('||', 'any', () => this.#chain('&&', 'all', () => this.#unary(depth)));
  }

  #chain(operator: string, kind: 'all' | 'any', operand: () => Condition | undefined): Condition | undefined {
    const operands: Condition[] = [];
    do {
      const condition = operand();
      if (!condition) return undefined;
      operands.push(condition);
    } while (this.#accept(operator));
    return operands.length === 1 ? operands[0] : { kind, operands };
  }

  #unary(depth: number): Condition | undefined {
    if (depth > depthLimit) return undefined;
    if (this.#accept('!')) {
      const operand = this.#unary(depth + 1);
      return operand && { kind: 'not', operand };
    }
    if (this.#accept('(')) {
      const inner = this.alternatives(depth + 1);
      return this.#accept(')') ? inner : undefined;
    }
    if (this.#accept('defined')) {
      const parenthesised = this.#accept('(');
      const name = this.#name();
      return !parenthesised || this.#accept(')') ? name : undefined;
    }
    return this.#name();
  }

  #name(): Condition | undefined {
    const token = this.#tokens[this.#next];
    if (token === undefined || !/^[A-Za-z_]/.test(token)) return undefined;
    this.#next += 1;
    return { kind: 'symbol', name: token };
  }

  #accept(token: string): boolean {
    if (this.#tokens[this.#next] !== token) return false;
    this.#next += 1;
    return true;
  }
}
