import type { Diagnostic, Severity } from '../diagnostic.js';
import type { ColumnRule, Span } from '../source-file.js';

/** A stretch of a file for tools. Lines and columns start at 1; the end is the first place that does not belong to it. */
export interface PlaceJson {
  file: string;
  line: number;
  column: number;
  endLine: number;
  endColumn: number;
}

/** A diagnostic for tools. */
export interface DiagnosticJson extends PlaceJson {
  code: string;
  severity: Severity;
  message: string;
  /** The line in which the enclosing definition starts. */
  definitionLine?: number;
  hint?: string;
  /** The release from which on all reject this, where an older one takes it. */
  rejectedFrom?: string;
  related?: (PlaceJson & { message: string })[];
}

/** A diagnostic for tools. `file` is the schema's root, to which a diagnostic belongs that has no place of its own. */
export function diagnosticAsJson(diagnostic: Diagnostic, file: string): DiagnosticJson {
  const { code, severity, message, span, columns, definition, hint, related, rejectedFrom } = diagnostic;
  return {
    code,
    severity,
    message,
    ...(span ? stretch(span, columns) : { file, line: 1, column: 1, endLine: 1, endColumn: 1 }),
    ...(definition && { definitionLine: definition.span.file.lineAt(definition.span.start) }),
    ...(hint !== undefined && { hint }),
    ...(rejectedFrom !== undefined && { rejectedFrom }),
    ...(related.length > 0 && {
      related: related.map((place) => ({ message: place.message, ...stretch(place.span, 'character') })),
    }),
  };
}

function stretch({ file, start, end }: Span, columns: ColumnRule): PlaceJson {
  const from = file.positionAt(start, columns);
  const to = file.positionAt(end, columns);
  return { file: file.path, line: from.line, column: from.column, endLine: to.line, endColumn: to.column };
}
