import { posix } from 'node:path';
import type { Module, ObjectType, Type } from '../schema/model.js';
import { stringLiteral } from './identifier.js';
import type { NamedType } from './names.js';
import type { Plan } from './plan.js';

/** A file that is being generated: what it declares, and what it imports from others. */
export class FileScope {
  readonly plan: Plan;
  readonly #folder: string;
  readonly #file: string;
  readonly #imports = new Map<string, Map<string, string>>();
  readonly #typeImports = new Map<string, Map<string, string>>();

  /** `folder` is relative to the output folder and empty for that itself; `file` is the name without extension. */
  constructor(plan: Plan, folder: string, file: string) {
    this.plan = plan;
    this.#folder = folder;
    this.#file = file;
  }

  /** The path of the file, relative to the output folder. */
  get path(): string {
    return `${this.#folder === '' ? '' : `${this.#folder}/`}${this.#file}.ts`;
  }

  /** The name of a schema type, imported if it is another file's. */
  type(type: NamedType): string {
    const name = this.plan.names.type(type);
    this.#use(this.#typeImports, type.module, 'types', name);
    return name;
  }

  /** The value list of an enum. */
  values(type: NamedType): string {
    const name = this.plan.names.type(type);
    this.#use(this.#imports, type.module, 'types', name);
    return name;
  }

  /** The function that visits a type. */
  visitor(type: NamedType): string {
    const name = this.plan.names.visitor(type);
    this.#use(this.#imports, type.module, 'visitors', name);
    return name;
  }

  /** The function that visits the members of an object type. */
  members(type: ObjectType): string {
    const name = this.plan.names.members(type);
    this.#use(this.#imports, type.module, 'visitors', name);
    return name;
  }

  /** Something that another generated file exports, under a name of this file's own. */
  from(module: Module, file: string, name: string, local: string): string {
    const specifier = this.#specifier(module, file);
    if (specifier !== undefined) entry(this.#imports, specifier).set(name, local);
    return local;
  }

  /** The same, for a type. */
  typeFrom(module: Module, file: string, name: string, local: string): string {
    const specifier = this.#specifier(module, file);
    if (specifier !== undefined) entry(this.#typeImports, specifier).set(name, local);
    return local;
  }

  /** How this file names a file of a module, as a string literal. */
  specifier(module: Module, file: string): string {
    return stringLiteral(importSpecifier(this.#folder, `${this.plan.folderOf(module)}/${file}`, this.plan));
  }

  /** How this file names a file about the whole schema, as a string literal. */
  schemaSpecifier(file: string): string {
    return stringLiteral(importSpecifier(this.#folder, file, this.plan));
  }

  /** A type that the runtime exports. */
  runtimeType(name: string): string {
    return this.#useRuntime(this.#typeImports, name);
  }

  /** A value that the runtime exports. */
  runtimeValue(name: string): string {
    return this.#useRuntime(this.#imports, name);
  }

  /** Whether the file declares a type or already imports it. */
  has(type: Type): boolean {
    if (!this.plan.names.isDeclared(type)) return false;
    const specifier = this.#specifier(type.module, 'types');
    return specifier === undefined || (this.#typeImports.get(specifier)?.has(this.plan.names.type(type)) ?? false);
  }

  /** The import declarations, sorted; empty when there are none. */
  importsText(): string {
    const specifiers = new Set([...this.#typeImports.keys(), ...this.#imports.keys()]);
    return [...specifiers]
      .sort()
      .map((specifier) => this.#importText(specifier))
      .join('');
  }

  #importText(specifier: string): string {
    const values = this.#imports.get(specifier) ?? new Map<string, string>();
    const types = new Map([...(this.#typeImports.get(specifier) ?? [])].filter(([name]) => !values.has(name)));
    const named = (names: Map<string, string>, prefix: string): string[] =>
      [...names].map(([name, local]) => prefix + (name === local ? name : `${name} as ${local}`)).sort();
    if (values.size === 0) return importText('import type', named(types, ''), specifier);
    return importText('import', [...named(values, ''), ...named(types, 'type ')], specifier);
  }

  #useRuntime(imports: Map<string, Map<string, string>>, name: string): string {
    const local = this.plan.names.runtime(name);
    entry(imports, runtimeSpecifier(this.#folder, this.plan.options.runtimeImport)).set(name, local);
    return local;
  }

  #use(imports: Map<string, Map<string, string>>, module: Module, file: string, name: string): void {
    const specifier = this.#specifier(module, file);
    if (specifier !== undefined) entry(imports, specifier).set(name, name);
  }

  #specifier(module: Module, file: string): string | undefined {
    const folder = this.plan.folderOf(module);
    if (folder === this.#folder && file === this.#file) return undefined;
    return importSpecifier(this.#folder, `${folder}/${file}`, this.plan);
  }
}

/** How a file in a folder names the runtime: a path is given relative to the output folder. */
function runtimeSpecifier(fromFolder: string, runtimeImport: string): string {
  if (fromFolder === '' || !/^\.\.?\//.test(runtimeImport)) return runtimeImport;
  return posix.join(fromFolder.replace(/[^/]+/g, '..'), runtimeImport);
}

/** How a file in a folder names another file, given relative to the output folder and without extension. */
function importSpecifier(fromFolder: string, to: string, plan: Plan): string {
  const from = fromFolder === '' ? [] : fromFolder.split('/');
  const target = to.split('/');
  let shared = 0;
  while (shared < from.length && shared < target.length - 1 && from[shared] === target[shared]) shared++;
  const up = '../'.repeat(from.length - shared) || './';
  const { importExtension } = plan.options;
  return up + target.slice(shared).join('/') + (importExtension === 'none' ? '' : `.${importExtension}`);
}

function importText(keyword: string, names: string[], specifier: string): string {
  const line = `${keyword} { ${names.join(', ')} } from ${stringLiteral(specifier)};\n`;
  if (line.length <= 121) return line;
  return `${keyword} {\n${names.map((name) => `  ${name},\n`).join('')}} from ${stringLiteral(specifier)};\n`;
}

function entry(imports: Map<string, Map<string, string>>, specifier: string): Map<string, string> {
  let names = imports.get(specifier);
  if (names === undefined) {
    names = new Map();
    imports.set(specifier, names);
  }
  return names;
}
