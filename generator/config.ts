import type { OptionValues } from './emit/option-table.js';

/**
 * What `qapi-ts.config.json`, `.ts` or `.js` may say: the options of `qapi-ts generate`. Paths are relative to the file.
 * The command line wins over it.
 */
export type Config = OptionValues;

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
