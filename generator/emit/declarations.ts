import { type Comment, commentText } from './comment.js';
import { stringLiteral } from './identifier.js';
import { lineWidth } from './options.js';

/** A member of an interface. */
export interface Property {
  /** The name as TypeScript writes it. */
  readonly name: string;
  readonly optional?: boolean;
  readonly type: string;
  readonly comment?: Comment;
}

const indent = '  ';

/**
 * Prints the code of a file: one declaration after the other, with an empty line between. Types are texts that came from the file's
 * scope, which so knows what to import; nothing is made of comments before {@link DeclarationPrinter.toString}.
 */
export class DeclarationPrinter {
  readonly #parts: (() => string)[] = [];
  readonly #comments: boolean;

  constructor({ comments = true }: { readonly comments?: boolean } = {}) {
    this.#comments = comments;
  }

  /** `export interface NAME extends … { … }`. */
  interface(name: string, bases: readonly string[], properties: readonly Property[], comment?: Comment): void {
    const head = `export interface ${name}${extendsText(name, bases)} {`;
    this.#add(comment, () =>
      properties.length === 0 ? `${head}}\n` : `${head}\n${membersText(properties, this.#comments)}}\n`,
    );
  }

  /** `export type NAME = A | B …`. */
  union(name: string, types: readonly string[], comment?: Comment): void {
    const line = `export type ${name} = ${types.join(' | ') || 'never'};\n`;
    this.#add(comment, () => (fits(line) ? line : `export type ${name} =\n  | ${types.join('\n  | ')};\n`));
  }

  /** `export type NAME = A & B …`. */
  intersection(name: string, types: readonly string[], comment?: Comment): void {
    this.#add(comment, () => `export type ${name} = ${types.join(' & ')};\n`);
  }

  /** `export type NAME = 'a' | 'b'`, and the list of the values under the same name. */
  enum(name: string, values: readonly string[], comment?: Comment): void {
    const literals = values.map(stringLiteral);
    this.union(name, literals, comment);
    const line = `export const ${name} = [${literals.join(', ')}] as const;\n`;
    this.#parts.push(() => (fits(line) ? line : `export const ${name} = [\n${filled(literals)}] as const;\n`));
  }

  /** Code that a template has made. */
  code(text: string): void {
    this.#add(undefined, () => text);
  }

  /** What has been printed. */
  toString(): string {
    return this.#parts.map((part) => part()).join('');
  }

  #add(comment: Comment | undefined, text: () => string): void {
    const gap = this.#parts.length === 0 ? '' : '\n';
    this.#parts.push(() => gap + (comment && this.#comments ? commentText(comment()) : '') + text());
  }
}

function membersText(properties: readonly Property[], comments: boolean): string {
  let text = '';
  for (const { name, optional, type, comment } of properties) {
    if (comment && comments) text += commentText(comment(), indent);
    text += `${indent}${name}${optional ? '?' : ''}: ${type};\n`;
  }
  return text;
}

function extendsText(name: string, bases: readonly string[]): string {
  if (bases.length === 0) return '';
  const line = ` extends ${bases.join(', ')}`;
  return fits(`export interface ${name}${line} {\n`) ? line : `\n  extends ${bases.join(',\n    ')}`;
}

/** Whether a line, with its end, is not too wide. */
function fits(line: string): boolean {
  return line.length <= lineWidth + 1;
}

/** Puts as many elements on a line as fit. */
function filled(texts: readonly string[]): string {
  let out = '';
  let line = ' ';
  for (const text of texts) {
    if (line.length + text.length + 2 > lineWidth) {
      out += `${line}\n`;
      line = ' ';
    }
    line += ` ${text},`;
  }
  return `${out}${line}\n`;
}
