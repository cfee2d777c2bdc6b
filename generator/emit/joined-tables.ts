import type { Module } from '../schema/model.js';
import { IdentifierPool, pascalCase } from './identifier.js';
import type { FileScope } from './scope.js';

/** Imports an interface of each module, under names that tell the modules apart. Returns these, separated by commas. */
export function joinInterfaces(scope: FileScope, modules: readonly Module[], file: string, type: string): string {
  const prefixes = prefixesOf(scope, modules);
  return modules.map((module, index) => scope.typeFrom(module, file, type, `${prefixes[index]}${type}`)).join(', ');
}

/** Imports a table of each module, under names that tell the modules apart. Returns these. */
export function joinTables(scope: FileScope, modules: readonly Module[], file: string, table: string): string[] {
  const prefixes = prefixesOf(scope, modules);
  return modules.map((module, index) => scope.valueFrom(module, file, table, `${table}Of${prefixes[index]}`));
}

function prefixesOf(scope: FileScope, modules: readonly Module[]): string[] {
  const pool = new IdentifierPool();
  return modules.map((module) => pool.claim(pascalCase(scope.plan.folderOf(module)) || 'Schema'));
}
