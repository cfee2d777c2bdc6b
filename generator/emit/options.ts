/** The widest line that is written where it can be broken. */
export const lineWidth = 120;

/** How 64-bit integers appear: `number | bigint`, or uniformly as one of them. */
export type Int64Mode = 'union' | 'bigint' | 'number';

/** How one generated file names another in an import. */
export type ImportExtension = 'js' | 'ts' | 'none';

/** What to generate, and how. */
export interface EmitOptions {
  /** Which targets to run, by name. Default: all. */
  readonly targets?: readonly string[] | undefined;
  /** How 64-bit integers appear. Default: `union`. */
  readonly int64?: Int64Mode | undefined;
  /** The extension in imports of generated files. Default: `js`. */
  readonly importExtension?: ImportExtension | undefined;
  /**
   * Where the generated code imports the runtime from. With `./` or `../` in front it is a path from the output folder.
   * Default: `qapi-ts/runtime`.
   */
  readonly runtimeImport?: string | undefined;
  /** Let enum members of types that only ever come from the server hold values that the schema does not know. Default: false. */
  readonly openEnums?: boolean | undefined;
}

/** The options with their defaults filled in. */
export interface ResolvedOptions {
  readonly int64: Int64Mode;
  readonly importExtension: ImportExtension;
  readonly runtimeImport: string;
  readonly openEnums: boolean;
}

/** Fills in the defaults. */
export function resolveOptions(options: EmitOptions): ResolvedOptions {
  return {
    int64: options.int64 ?? 'union',
    importExtension: options.importExtension ?? 'js',
    runtimeImport: options.runtimeImport ?? 'qapi-ts/runtime',
    openEnums: options.openEnums ?? false,
  };
}
