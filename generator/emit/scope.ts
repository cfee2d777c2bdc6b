import type { Module, ObjectType } from '../schema/model.js';
import { stringLiteral } from './identifier.js';
import { type ImportedSymbol, Imports, runtime } from './imports.js';
import type { NamedType } from './names.js';
import type { Plan } from './plan.js';
import type { RuntimeExport } from './runtime-exports.js';

/** A file that is being generated: it names what it uses, and so comes to know what it has to import. */
export class FileScope {
  readonly plan: Plan;
  /** The file's place: its path relative to the output folder, without extension. */
  readonly place: string;
  readonly #module: Module | undefined;
  readonly #file: string;
  readonly #imports: Imports;

  /** A file of a module, or about the whole schema; `file` is its name without extension. */
  constructor(plan: Plan, module: Module | undefined, file: string) {
    const folder = module ? plan.folderOf(module) : '';
    this.plan = plan;
    this.place = folder === '' ? file : `${folder}/${file}`;
    this.#module = module;
    this.#file = file;
    this.#imports = new Imports(folder, plan.options);
  }

  /** The name of a schema type, imported if it is another file's. */
  type(type: NamedType): string {
    return this.typeFrom(type.module, 'types', this.plan.names.type(type));
  }

  /** The value list of an enum. */
  values(type: NamedType): string {
    return this.valueFrom(type.module, 'types', this.plan.names.type(type));
  }

  /** The function that visits a type. */
  visitor(type: NamedType): string {
    return this.valueFrom(type.module, 'visitors', this.plan.names.visitor(type));
  }

  /** The function that visits the members of an object type. */
  members(type: ObjectType): string {
    return this.valueFrom(type.module, 'visitors', this.plan.names.members(type));
  }

  /** A value that a file of a module exports, perhaps under another name of this file's own. */
  valueFrom(module: Module, file: string, name: string, local = name): string {
    return this.#use(module, file, { name, local, isValue: true });
  }

  /** A type that a file of a module exports, perhaps under another name of this file's own. */
  typeFrom(module: Module, file: string, name: string, local = name): string {
    return this.#use(module, file, { name, local, isValue: false });
  }

  /** A type that a file about the whole schema exports. */
  schemaType(file: string, name: string): string {
    return this.#imports.use({ from: file, name, local: name, isValue: false });
  }

  /** A value that the runtime exports. */
  runtimeValue(name: RuntimeExport): string {
    return this.#imports.use({ from: runtime, name, local: this.plan.names.runtime(name), isValue: true });
  }

  /** A type that the runtime exports. */
  runtimeType(name: RuntimeExport): string {
    return this.#imports.use({ from: runtime, name, local: this.plan.names.runtime(name), isValue: false });
  }

  /** Whether the file declares a type or already imports it. */
  has(type: NamedType): boolean {
    const { module } = type;
    return this.#is(module, 'types') || this.#imports.has(this.#placeOf(module, 'types'), this.plan.names.type(type));
  }

  /** How this file names another one in a declaration, as a string literal. The module is left out for files about the whole schema. */
  specifier(file: string, module?: Module): string {
    return stringLiteral(this.#imports.specifier(module ? this.#placeOf(module, file) : file));
  }

  /** The import declarations; empty when there are none. */
  importsText(): string {
    return this.#imports.toString();
  }

  /** What the file declares itself needs no import. */
  #use(module: Module, file: string, symbol: Omit<ImportedSymbol, 'from'>): string {
    if (this.#is(module, file)) return symbol.local;
    return this.#imports.use({ from: this.#placeOf(module, file), ...symbol });
  }

  #is(module: Module, file: string): boolean {
    return module === this.#module && file === this.#file;
  }

  #placeOf(module: Module, file: string): string {
    return `${this.plan.folderOf(module)}/${file}`;
  }
}
