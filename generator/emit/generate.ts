import type { Module, Schema } from '../schema/model.js';
import { fingerprints } from './fingerprint.js';
import { type EmitOptions, resolveOptions } from './options.js';
import { type Plan, planOf } from './plan.js';
import { FileScope } from './scope.js';
import { type GeneratedFile, schemaText, type Target } from './target.js';
import { selectTargets } from './targets.js';

export { targetNames } from './targets.js';

/**
 * Generates the code of a schema. Nothing is read or written, and the same schema and options give the same bytes anywhere.
 *
 * @throws {RangeError} when `options.targets` names no target
 */
export function generate(schema: Schema, options: EmitOptions = {}): GeneratedFile[] {
  const targets = selectTargets(options.targets);
  const plan = planOf(schema, resolveOptions(options));
  return assemble(plan, targets, (target, module) => target.moduleFile?.(plan, module));
}

/**
 * A {@link generate} that remembers what it made of each module, and makes again only what has changed since: for callers that
 * generate after every change of a schema. The files are the same.
 */
export function incrementalGenerator(): typeof generate {
  let known = new Map<string, { print: string; files: Map<Target, GeneratedFile | undefined> }>();
  let knownOptions = '';
  return (schema, options = {}) => {
    const targets = selectTargets(options.targets);
    const resolved = resolveOptions(options);
    const plan = planOf(schema, resolved);
    const sameOptions = JSON.stringify(resolved) === knownOptions;
    const current: typeof known = new Map();
    const fingerprint = fingerprints(plan);
    for (const module of schema.modules) {
      const print = fingerprint(module);
      const before = known.get(module.name);
      current.set(module.name, sameOptions && before?.print === print ? before : { print, files: new Map() });
    }
    known = current;
    knownOptions = JSON.stringify(resolved);
    return assemble(plan, targets, (target, module) => {
      const { files } = current.get(module.name) as { files: Map<Target, GeneratedFile | undefined> };
      if (!files.has(target)) files.set(target, target.moduleFile?.(plan, module));
      return files.get(target);
    });
  };
}

/** Puts together the files of all targets; `moduleFile` makes those of modules. */
function assemble(
  plan: Plan,
  targets: readonly Target[],
  moduleFile: (target: Target, module: Module) => GeneratedFile | undefined,
): GeneratedFile[] {
  const files: GeneratedFile[] = [];
  const index = new FileScope(plan, undefined, 'index');
  const exported: string[] = [];
  const code: string[] = [];
  for (const target of targets) {
    const present: Module[] = [];
    for (const module of plan.schema.modules) {
      const file = moduleFile(target, module);
      if (!file) continue;
      files.push(file);
      present.push(module);
      if (!target.ownDoor) exported.push(index.specifier(target.name, module));
    }
    if (target.schemaFile) {
      files.push(target.schemaFile(plan));
      if (!target.ownDoor) exported.push(index.specifier(target.name));
    }
    if (target.indexCode) code.push(target.indexCode(index, present));
  }
  const exports = exported.map((specifier) => `export * from ${specifier};\n`).join('');
  files.push(schemaText(index, [exports, ...code].filter((part) => part !== '').join('\n') || 'export {};\n'));
  return files;
}
