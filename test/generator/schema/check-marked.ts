import { isError, loadSchema, memoryHost } from '../../../generator/index.js';
import type { DiagnosticName } from '../../../generator/text/diagnostic.js';
import { marked } from '../../marked.js';

/** The first error: at a mark, counted from 1, or else what it says of which text. */
export type FirstError =
  | { readonly name: DiagnosticName; readonly mark: number }
  | { readonly name: DiagnosticName; readonly text: string | undefined; readonly message: string };

/** Checks a schema with marked culprits as a release does: what its first error is, or `accepted`. */
export async function checkMarked(schema: string, release: string): Promise<FirstError | 'accepted'> {
  const { text, stretches } = marked(schema);
  const host = memoryHost({ 'schema.json': text });
  const { diagnostics } = await loadSchema('schema.json', { dialect: release, host });
  const first = diagnostics.find(isError);
  if (!first) return 'accepted';
  const { name, span, message } = first;
  const mark = 1 + stretches.findIndex(({ start, end }) => start === span?.start && end === span.end);
  return mark > 0 ? { name, mark } : { name, text: span && text.slice(span.start, span.end), message };
}
