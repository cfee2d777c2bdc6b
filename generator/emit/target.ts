import type { Module } from '../schema/model.js';
import { header } from './output/header.js';
import type { Plan } from './plan.js';
import type { FileScope } from './scope.js';

/** A file to be written, relative to the output folder. */
export interface GeneratedFile {
  /** `/`-separated. */
  readonly path: string;
  readonly text: string;
}

/** A kind of code that is generated from a schema. What it is called is also the name of its files, without extension. */
export interface Target {
  readonly name: string;
  /** The targets whose files its own files import. */
  readonly requires: readonly string[];
  /** The file that it makes of a module; undefined when the module has nothing for it. */
  readonly moduleFile?: (plan: Plan, module: Module) => GeneratedFile | undefined;
  /** The file that it makes of the schema as a whole. */
  readonly schemaFile?: (plan: Plan) => GeneratedFile;
  /** Whether its files have a door of their own, a file about the whole schema, and `index.ts` exports only what `indexCode` says. */
  readonly ownDoor?: true;
  /** What it adds to `index.ts`, given the modules for which it made a file. */
  readonly indexCode?: (scope: FileScope, modules: readonly Module[]) => string;
}

/** Puts together a file of a module: header, imports, code. */
export function moduleText(scope: FileScope, module: Module, code: string): GeneratedFile {
  return fileText(scope, header(module.name, scope.plan.digestOf(module), scope.plan.options), code);
}

/** Puts together a file about the whole schema. */
export function schemaText(scope: FileScope, code: string): GeneratedFile {
  const { schema, digest, options } = scope.plan;
  const root = schema.modules.find((module) => module.file);
  return fileText(scope, header(root?.name ?? 'nothing', digest, options), code);
}

function fileText(scope: FileScope, start: string, code: string): GeneratedFile {
  const imports = scope.importsText();
  return { path: `${scope.place}.ts`, text: `${start}${imports}${imports && '\n'}${code}` };
}
