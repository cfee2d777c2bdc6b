import type { ImportExtension, Int64Mode } from './emit/options.js';

/**
 * What `qapi-ts.config.json`, `.ts` or `.js` may say: the options of `qapi-ts generate`. Paths are relative to the file.
 * The command line wins over it.
 */
export interface Config {
  /** The root schema. With it, the configuration is about this schema only; without it, about every schema. */
  readonly schema?: string | undefined;
  /** The folder to write. */
  readonly output?: string | undefined;
  /** The release whose rules to check by. Default: `auto`, which reads the schemas of all. */
  readonly dialect?: string | undefined;
  /** What to generate. Default: everything. */
  readonly targets?: readonly string[] | undefined;
  /** How 64-bit integers appear. Default: `union`. */
  readonly int64?: Int64Mode | undefined;
  /** The extension in imports of generated files. Default: `js`. */
  readonly importExtension?: ImportExtension | undefined;
  /** Where the generated code imports the runtime from. With `./` or `../` in front it is a path. Default: `qapi-ts/runtime`. */
  readonly runtimeImport?: string | undefined;
  /** The values of configuration symbols. What depends on a symbol that is `false` is left out. */
  readonly define?: Readonly<Record<string, boolean>> | undefined;
  /** Take the symbols that `define` does not name for `false`. Default: false. */
  readonly onlyDefined?: boolean | undefined;
  /** Let enum members of types that only come from the server hold values that the schema does not know. Default: false. */
  readonly openEnums?: boolean | undefined;
}

/**
 * Gives the type of a configuration to the editor.
 *
 * @example
 * ```ts
 * // qapi-ts.config.ts
 * import { defineConfig } from 'qapi-ts';
 *
 * export default defineConfig({ schema: 'qapi/qapi-schema.json', output: 'src/generated' });
 * ```
 */
export function defineConfig(config: Config): Config {
  return config;
}
