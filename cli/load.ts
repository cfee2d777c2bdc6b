import { loadSchema } from '../generator/schema/load.js';
import type { Schema } from '../generator/schema/model.js';
import type { Dialect } from '../generator/syntax/dialect.js';
import type { Host } from './host.js';
import { inputOf } from './input.js';
import { dialectNamed } from './options.js';
import { printDiagnostics } from './report.js';

/**
 * Loads the one schema that a command is about, and says on standard error what is wrong with it.
 *
 * @returns undefined when it has errors
 */
export async function loadOrReport(
  named: string | undefined,
  dialectName: string | undefined,
  host: Host,
): Promise<{ readonly schema: Schema; readonly dialect: Dialect; readonly file: string } | undefined> {
  const input = await inputOf(named, host);
  const dialect = dialectNamed(dialectName ?? input.config.dialect);
  const { schema, diagnostics } = await loadSchema(input.schema, { dialect, host: input.files, advice: false });
  printDiagnostics(diagnostics, host.stderr, host.env);
  return schema && { schema, dialect, file: input.schema };
}
