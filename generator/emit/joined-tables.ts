import type { Module } from '../schema/model.js';
import { IdentifierPool, pascalCase } from './identifier.js';
import type { FileScope } from './scope.js';

/** The interfaces and tables that several modules have of one kind, as `index.ts` joins them. */
export interface JoinedTables {
  /** The interfaces, separated by commas. */
  readonly types: string;
  /** The tables. */
  readonly tables: readonly string[];
}

/** Imports an interface and a table of each module, under names that tell the modules apart. */
export function joinTables(
  scope: FileScope,
  modules: readonly Module[],
  file: string,
  type: string,
  table: string,
): JoinedTables {
  const pool = new IdentifierPool();
  const prefixes = modules.map((module) => pool.claim(pascalCase(scope.plan.folderOf(module)) || 'Schema'));
  const types = modules.map((module, index) => scope.typeFrom(module, file, type, `${prefixes[index]}${type}`));
  const tables = modules.map((module, index) => scope.valueFrom(module, file, table, `${table}Of${prefixes[index]}`));
  return { types: types.join(', '), tables };
}
