import { type OptionValues, optionTable } from './option-table.js';

/** The widest line that is written where it can be broken. */
export const lineWidth = 120;

/** How 64-bit integers appear: `number | bigint`, or uniformly as one of them. */
export type Int64Mode = (typeof optionTable.int64.choices)[number];

/** How one generated file names another in an import. */
export type ImportExtension = (typeof optionTable.importExtension.choices)[number];

/** What to generate, and how. */
export type EmitOptions = Pick<OptionValues, 'targets' | keyof ResolvedOptions>;

/** The options with their defaults filled in. */
export interface ResolvedOptions {
  readonly int64: Int64Mode;
  readonly importExtension: ImportExtension;
  readonly runtimeImport: string;
  readonly openEnums: boolean;
}

/** Fills in the defaults. */
export function resolveOptions(options: EmitOptions): ResolvedOptions {
  const { int64, importExtension, runtimeImport, openEnums } = optionTable;
  return {
    int64: options.int64 ?? int64.default,
    importExtension: options.importExtension ?? importExtension.default,
    runtimeImport: options.runtimeImport ?? runtimeImport.default,
    openEnums: options.openEnums ?? openEnums.default,
  };
}
