import { posix } from 'node:path';
import { stringLiteral } from './identifier.js';
import { lineWidth, type ResolvedOptions } from './options.js';

/** What is imported from one place: local names by exported names. */
interface Imported {
  readonly values: Map<string, string>;
  readonly types: Map<string, string>;
}

/** Collects the imports of a generated file. Places are other generated files, relative to the output folder and without extension. */
export class Imports {
  readonly #folder: string;
  readonly #options: ResolvedOptions;
  readonly #files = new Map<string, Imported>();
  readonly #runtime: Imported = { values: new Map(), types: new Map() };

  /** `folder` is that of the importing file, relative to the output folder; empty for that itself. */
  constructor(folder: string, options: ResolvedOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  addValue(place: string, name: string, local = name): void {
    this.#of(place).values.set(name, local);
  }

  addType(place: string, name: string, local = name): void {
    this.#of(place).types.set(name, local);
  }

  addRuntimeValue(name: string, local: string): void {
    this.#runtime.values.set(name, local);
  }

  addRuntimeType(name: string, local: string): void {
    this.#runtime.types.set(name, local);
  }

  hasType(place: string, name: string): boolean {
    return this.#files.get(place)?.types.has(name) ?? false;
  }

  /** The import declarations, sorted by where from; empty when there are none. */
  toString(): string {
    const texts: [string, string][] = [];
    for (const [place, imported] of this.#files) {
      const specifier = this.specifier(place);
      texts.push([specifier, importText(imported, specifier)]);
    }
    if (this.#runtime.values.size + this.#runtime.types.size > 0) {
      const specifier = this.#runtimeSpecifier();
      texts.push([specifier, importText(this.#runtime, specifier)]);
    }
    return texts
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, text]) => text)
      .join('');
  }

  /** How the importing file names a place. */
  specifier(place: string): string {
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

  #of(place: string): Imported {
    let imported = this.#files.get(place);
    if (imported === undefined) {
      imported = { values: new Map(), types: new Map() };
      this.#files.set(place, imported);
    }
    return imported;
  }
}

/** A name that is imported as a value is imported as a type too. */
function importText({ values, types }: Imported, specifier: string): string {
  const typeNames = specifiersOf([...types].filter(([name]) => !values.has(name)));
  const names = values.size === 0 ? typeNames : [...specifiersOf(values), ...typeNames.map((name) => `type ${name}`)];
  const keyword = values.size === 0 ? 'import type' : 'import';
  const from = `from ${stringLiteral(specifier)};\n`;
  const line = `${keyword} { ${names.join(', ')} } ${from}`;
  return line.length <= lineWidth + 1 ? line : `${keyword} {\n  ${names.join(',\n  ')},\n} ${from}`;
}

function specifiersOf(names: Iterable<[name: string, local: string]>): string[] {
  return [...names].map(([name, local]) => (name === local ? name : `${name} as ${local}`)).sort();
}
