import type { Module, Schema } from '../schema/model.js';
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

/** Puts together the files of all targets. Those of modules come from `moduleFile`, which may know them already. */
export function assemble(
  plan: Plan,
  targets: readonly Target[],
  moduleFile: (target: Target, module: Module) => GeneratedFile | undefined,
): GeneratedFile[] {
  const files: GeneratedFile[] = [];
  const index = new FileScope(plan, '', 'index');
  const exported: string[] = [];
  const code: string[] = [];
  for (const target of targets) {
    const present: Module[] = [];
    for (const module of plan.schema.modules) {
      const file = moduleFile(target, module);
      if (!file) continue;
      files.push(file);
      present.push(module);
      exported.push(index.specifier(target.name, module));
    }
    if (target.schemaFile) {
      files.push(target.schemaFile(plan));
      exported.push(index.specifier(target.name));
    }
    if (target.indexCode) code.push(target.indexCode(index, present));
  }
  const exports = exported.map((specifier) => `export * from ${specifier};\n`).join('');
  files.push(schemaText(index, [exports, ...code].filter((part) => part !== '').join('\n') || 'export {};\n'));
  return files;
}
