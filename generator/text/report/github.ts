import type { Diagnostic } from '../diagnostic.js';
import { diagnosticAsJson } from './json.js';

/** A diagnostic as a line that makes GitHub annotate the file. `file` as for {@link diagnosticAsJson}. */
export function githubAnnotation(diagnostic: Diagnostic, file: string): string {
  const json = diagnosticAsJson(diagnostic, file);
  const properties = {
    file: json.file,
    line: json.line,
    endLine: json.endLine,
    col: json.column,
    // Columns are for places within a line.
    ...(json.line === json.endLine && { endColumn: json.endColumn }),
    title: json.code,
  };
  return annotation(
    json.severity,
    properties,
    [json.message, json.hint].filter((part) => part !== undefined).join('\n'),
  );
}

/** A line that makes GitHub show a text at a place. */
export function annotation(
  level: 'error' | 'warning' | 'notice',
  properties: Readonly<Record<string, string | number>>,
  text: string,
): string {
  const list = Object.entries(properties).map(([name, value]) => `${name}=${escapeProperty(String(value))}`);
  return `::${level} ${list.join(',')}::${escapeData(text)}`;
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
