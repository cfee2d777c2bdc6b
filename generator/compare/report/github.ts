import { annotation } from '../../text/report/github.js';
import type { Change } from '../change.js';
import { placeAsJson } from './json.js';
import { entitiesText, placeText } from './words.js';

const levels = { breaks: 'error', 'may surprise': 'warning', notice: 'notice', compatible: 'notice' } as const;

/**
 * A change as a line that makes GitHub annotate the new schema, or the old one where it holds what is gone.
 *
 * @param file the file to annotate for a change that has no place in any
 */
export function githubChange(change: Change, file: string): string {
  const { severity, code, kind, message, advice, newPlace, oldPlace } = change;
  const place = placeAsJson(newPlace) ?? placeAsJson(oldPlace) ?? { file, line: 1, column: 1 };
  const where = [entitiesText(change), placeText(change)].filter((part) => part !== '').join(' ');
  const properties = { file: place.file, line: place.line, col: place.column, title: `${code} ${kind}` };
  const text = [`${where}: ${message}`, ...(advice === undefined ? [] : [advice])].join('\n');
  return annotation(levels[severity], properties, text);
}
