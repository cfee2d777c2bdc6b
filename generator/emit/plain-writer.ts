import type { CodeBlockWriter } from 'ts-morph';

/** The methods of a writer that ts-morph's printers of interfaces call. */
type Used =
  | 'closeComment'
  | 'conditionalNewLine'
  | 'conditionalWrite'
  | 'getOptions'
  | 'hangingIndent'
  | 'indent'
  | 'isAtStartOfFirstLineOfBlock'
  | 'newLine'
  | 'newLineIfLastNot'
  | 'space'
  | 'spaceIfLastNot'
  | 'write';

const indentation = '  ';

/**
 * A writer for declarations. ts-morph's own looks at every character, to know when it is inside a string or comment; nothing
 * that is written here depends on that, and without it the types of a large schema are printed in half the time.
 */
export class PlainWriter implements Pick<CodeBlockWriter, Used> {
  #text = '';
  #indent = '';
  #atLineStart = true;
  #atBlockStart = false;
  #lineEndDue = false;

  /** The writer as ts-morph's printers take it. */
  asCodeBlockWriter(): CodeBlockWriter {
    return this as unknown as CodeBlockWriter;
  }

  write(text: string): CodeBlockWriter {
    if (this.#lineEndDue) this.newLine();
    if (text !== '') {
      if (this.#atLineStart) this.#text += this.#indent;
      this.#text += text;
      this.#atLineStart = false;
    }
    return this.asCodeBlockWriter();
  }

  /** Writes whole lines; they are indented already. */
  writeLines(text: string): void {
    if (this.#lineEndDue) this.newLine();
    this.#text += `${text}\n`;
    this.#atLineStart = true;
  }

  newLine(): CodeBlockWriter {
    this.#lineEndDue = false;
    this.#text += '\n';
    this.#atLineStart = true;
    this.#atBlockStart = false;
    return this.asCodeBlockWriter();
  }

  newLineIfLastNot(): CodeBlockWriter {
    return this.#lineEndDue || !this.#atLineStart ? this.newLine() : this.asCodeBlockWriter();
  }

  conditionalNewLine(condition: boolean | undefined): CodeBlockWriter {
    return condition ? this.newLine() : this.asCodeBlockWriter();
  }

  conditionalWrite(condition: boolean | undefined, text: string | (() => string)): CodeBlockWriter {
    if (!condition) return this.asCodeBlockWriter();
    return this.write(typeof text === 'string' ? text : text());
  }

  space(): CodeBlockWriter {
    return this.write(' ');
  }

  /** Called at the end of a comment only, whose text never ends in a space. */
  spaceIfLastNot(): CodeBlockWriter {
    return this.write(' ');
  }

  hangingIndent(action: () => void): CodeBlockWriter {
    action();
    return this.asCodeBlockWriter();
  }

  indent(block?: number | (() => void)): CodeBlockWriter {
    if (typeof block !== 'function') return this.write(indentation.repeat(block ?? 1));
    this.newLineIfLastNot();
    this.#indent += indentation;
    this.#atBlockStart = true;
    block();
    this.#atBlockStart = false;
    this.#indent = this.#indent.slice(indentation.length);
    this.#lineEndDue = !this.#atLineStart;
    return this.asCodeBlockWriter();
  }

  isAtStartOfFirstLineOfBlock(): boolean {
    return this.#atBlockStart;
  }

  /** Comments are always closed. */
  closeComment(): CodeBlockWriter {
    return this.asCodeBlockWriter();
  }

  getOptions(): ReturnType<CodeBlockWriter['getOptions']> {
    return { indentNumberOfSpaces: indentation.length, newLine: '\n', useSingleQuote: true, useTabs: false };
  }

  toString(): string {
    return this.#text;
  }
}
