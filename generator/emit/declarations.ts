import { createRequire } from 'node:module';
import type { OptionalKind, PropertySignatureStructure } from 'ts-morph';
import { stringLiteral } from './identifier.js';
import { lineWidth } from './options.js';
import { PlainWriter } from './plain-writer.js';

type TsMorph = typeof import('ts-morph');

/** A member of an interface. */
export interface Property {
  /** The name as TypeScript writes it. */
  readonly name: string;
  readonly optional?: boolean;
  readonly type: string;
  /** The text of its comment, as `docText` makes it. */
  readonly doc?: string | undefined;
}

let tsMorph: TsMorph | undefined;

/** ts-morph brings the TypeScript compiler and takes longer to load than everything else together: it is loaded when it is needed. */
function loadTsMorph(): TsMorph {
  tsMorph ??= createRequire(import.meta.url)('ts-morph') as TsMorph;
  return tsMorph;
}

/**
 * Prints the declarations of a file, one after the other, with an empty line between. Interfaces are printed by ts-morph from
 * structures, without a `Project`: that would parse again what has just been printed.
 */
export class DeclarationPrinter {
  readonly #writers = loadTsMorph().Writers;
  readonly #writer = new PlainWriter();
  #first = true;

  /** `export interface NAME extends … { … }`. */
  interface(name: string, bases: readonly string[], properties: readonly Property[], doc: string | undefined): void {
    this.#start(doc);
    this.#writer.write(`export interface ${name}${extendsText(name, bases)} `);
    this.#writers.objectType({ properties: properties.map(structureOf) })(this.#writer.asCodeBlockWriter());
    this.#writer.newLine();
  }

  /** `export type NAME = A | B …`. */
  union(name: string, types: readonly string[], doc: string | undefined): void {
    this.#start(doc);
    const line = `export type ${name} = ${types.join(' | ') || 'never'};`;
    if (line.length <= lineWidth) this.#writer.writeLines(line);
    else this.#writer.writeLines(`export type ${name} =\n  | ${types.join('\n  | ')};`);
  }

  /** `export type NAME = A & B …`. */
  intersection(name: string, types: readonly string[], doc: string | undefined): void {
    this.#start(doc);
    this.#writer.writeLines(`export type ${name} = ${types.join(' & ')};`);
  }

  /** `export const NAME = ['a', 'b'] as const`: it belongs to the type of that name, which comes before it. */
  values(name: string, values: readonly string[]): void {
    const texts = values.map(stringLiteral);
    const line = `export const ${name} = [${texts.join(', ')}] as const;`;
    this.#writer.writeLines(line.length <= lineWidth ? line : `export const ${name} = [\n${filled(texts)}] as const;`);
  }

  /** What has been printed. */
  toString(): string {
    return this.#writer.toString();
  }

  #start(doc: string | undefined): void {
    if (this.#first) this.#first = false;
    else this.#writer.writeLines('');
    if (doc !== undefined) this.#writer.writeLines(commentText(doc));
  }
}

/**
 * The structure of a member. ts-morph prints a type by way of a writer that it makes for it, which takes longer than all the rest of the
 * member: so the type goes with the name.
 */
function structureOf({ name, optional, type, doc }: Property): OptionalKind<PropertySignatureStructure> {
  const structure = { name: `${name}${optional ? '?' : ''}: ${type}` };
  return doc === undefined ? structure : { ...structure, docs: [doc] };
}

/** The comment before a declaration, as ts-morph prints it before a member. */
function commentText(doc: string): string {
  if (!doc.startsWith('\n')) return `/** ${doc} */`;
  const lines = doc.split('\n').slice(1);
  return `/**\n${lines.map((line) => (line === '' ? ' *\n' : ` * ${line}\n`)).join('')} */`;
}

function extendsText(name: string, bases: readonly string[]): string {
  if (bases.length === 0) return '';
  const line = ` extends ${bases.join(', ')}`;
  return `export interface ${name}${line} {`.length <= lineWidth ? line : `\n  extends ${bases.join(',\n    ')}`;
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
