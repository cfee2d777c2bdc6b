import { Dialect } from '../../../generator/syntax/dialect.js';
import { memoryHost } from '../../../generator/syntax/host.js';
import { type LoadedSyntax, loadSyntax } from '../../../generator/syntax/load.js';
import type { Diagnostic } from '../../../generator/text/diagnostic.js';

/** The dialect of a release, or `auto`. */
export function dialect(name: string): Dialect {
  const found = Dialect.named(name);
  if ('problem' in found) throw new Error(found.problem);
  return found.dialect;
}

/** Reads `schema.json` of some files that exist in memory, or a text as the only file. */
export function read(files: string | Readonly<Record<string, string>>, release = 'auto'): Promise<LoadedSyntax> {
  const host = memoryHost(typeof files === 'string' ? { 'schema.json': files } : files);
  return loadSyntax('schema.json', { host, dialect: dialect(release) });
}

/** Puts marks into a text, around what diagnostics point at: shows in a failing test where they are. */
export function withMarks(text: string, diagnostics: readonly Diagnostic[]): string {
  let result = '';
  for (let offset = 0; offset <= text.length; offset++) {
    for (const { span } of diagnostics) if (span?.end === offset && span.start < offset) result += '⟧';
    for (const { span } of diagnostics) {
      if (span?.start === offset) result += span.end === offset ? '⟦⟧' : '⟦';
    }
    result += text[offset] ?? '';
  }
  return result;
}
