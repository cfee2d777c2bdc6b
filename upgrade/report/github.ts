import { annotation } from '../../generator/text/report/github.js';
import type { Place } from '../place.js';

const levels = { breaks: 'error', 'may surprise': 'warning', notice: 'notice', compatible: 'notice' } as const;

/** A place as a line that makes GitHub annotate the program. */
export function githubPlace(place: Place, nameOf: (file: string) => string): string {
  const { file, line, column, code, kind, severity, reason, remedy } = place;
  const properties = { file: nameOf(file), line, col: column, title: `${code} ${kind}` };
  return annotation(levels[severity], properties, [reason, ...(remedy === undefined ? [] : [remedy])].join('\n'));
}
