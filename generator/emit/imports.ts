import { posix } from 'node:path';
import { stringLiteral } from './identifier.js';
import { lineWidth, type ResolvedOptions } from './options.js';

/** Where the runtime's exports come from; every other place is a generated file, relative to the output folder and without extension. */
export const runtime = Symbol('runtime');

/** Something that a file imports. */
export interface ImportedSymbol {
  readonly from: string | typeof runtime;
  /** The name under which it is exported. */
  readonly name: string;
  /** The name that it has in the importing file. */
  readonly local: string;
  /** Whether it exists at run time. A name that is imported as a value is imported as a type, too. */
  readonly isValue: boolean;
}

/** The imports of a generated file: they follow from the symbols that its code uses. */
export class Imports {
  readonly #folder: string;
  readonly #options: ResolvedOptions;
  readonly #symbols = new Map<ImportedSymbol['from'], Map<string, ImportedSymbol>>();

  /** `folder` is that of the importing file, relative to the output folder; empty for that itself. */
  constructor(folder: string, options: ResolvedOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  /** Notes that the file uses a symbol, and returns what its code calls it. */
  use(symbol: ImportedSymbol): string {
    let known = this.#symbols.get(symbol.from);
    if (known === undefined) {
      known = new Map();
      this.#symbols.set(symbol.from, known);
    }
    if (symbol.isValue || !known.has(symbol.name)) known.set(symbol.name, symbol);
    return symbol.local;
  }

  /** Whether the file uses what a place exports under a name. */
  has(from: ImportedSymbol['from'], name: string): boolean {
    return this.#symbols.get(from)?.has(name) ?? false;
  }

  /** The import declarations, sorted by where from; empty when there are none. */
  toString(): string {
    return [...this.#symbols]
      .map(([from, symbols]): [string, string] => {
        const specifier = this.specifier(from);
        return [specifier, importText([...symbols.values()], specifier)];
      })
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, text]) => text)
      .join('');
  }

  /** How the importing file names a place. */
  specifier(place: ImportedSymbol['from']): string {
    if (place === runtime) return this.#runtimeSpecifier();
    const from = this.#folder === '' ? [] : this.#folder.split('/');
    const target = place.split('/');
    let shared = 0;
    while (shared < from.length && shared < target.length - 1 && from[shared] === target[shared]) shared++;
    const up = '../'.repeat(from.length - shared) || './';
    const { importExtension } = this.#options;
    return up + target.slice(shared).join('/') + (importExtension === 'none' ? '' : `.${importExtension}`);
  }

  /** A path to the runtime is given relative to the output folder. */
  #runtimeSpecifier(): string {
    const { runtimeImport } = this.#options;
    if (this.#folder === '' || !/^\.\.?\//.test(runtimeImport)) return runtimeImport;
    return posix.join(this.#folder.replace(/[^/]+/g, '..'), runtimeImport);
  }
}

/** Values come first. Where there are none, the whole declaration is one of types. */
function importText(symbols: readonly ImportedSymbol[], specifier: string): string {
  const values = symbols.filter(({ isValue }) => isValue);
  const types = specifiersOf(symbols.filter(({ isValue }) => !isValue));
  const names = values.length === 0 ? types : [...specifiersOf(values), ...types.map((name) => `type ${name}`)];
  const keyword = values.length === 0 ? 'import type' : 'import';
  const from = `from ${stringLiteral(specifier)};\n`;
  const line = `${keyword} { ${names.join(', ')} } ${from}`;
  return line.length <= lineWidth + 1 ? line : `${keyword} {\n  ${names.join(',\n  ')},\n} ${from}`;
}

function specifiersOf(symbols: readonly ImportedSymbol[]): string[] {
  return symbols.map(({ name, local }) => (name === local ? name : `${name} as ${local}`)).sort();
}
