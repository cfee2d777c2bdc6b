import { type Colours, noColours } from '../../text/report/colours.js';
import type { Change } from '../change.js';
import { countText, entitiesText, headings, placeText, rolesText } from './words.js';

/**
 * Changes as people read them: how many, then each under how bad it is.
 *
 *     Breaks clients
 *       query-status returns.singlestep [member-removed: receiver]
 *         member 'singlestep' is gone; it was deprecated
 *         = handle its absence
 *
 * @param all whether to list what breaks no client, too
 */
export function prettyChanges(changes: readonly Change[], all: boolean, colours: Colours = noColours): string {
  const lines = [countText(changes)];
  for (const [severity, heading] of Object.entries(headings)) {
    const found = changes.filter((change) => change.severity === severity);
    if (found.length === 0) continue;
    if (severity === 'compatible' && !all) {
      lines.push('', colours.faint(`${found.length} compatible: --all lists them`));
      continue;
    }
    lines.push('', colours.strong(heading));
    for (const change of found) lines.push(...describe(change, colours));
  }
  return `${lines.join('\n')}\n`;
}

function describe(change: Change, colours: Colours): string[] {
  const { kind, breaks, message, advice, severity } = change;
  const place = placeText(change);
  const where = [entitiesText(change), place].filter((part) => part !== '').join(' ');
  const colour = severity === 'breaks' ? colours.error : severity === 'may surprise' ? colours.warning : colours.faint;
  const label = breaks.length === 0 ? kind : `${kind}: ${rolesText(breaks)}`;
  return [
    `  ${where} ${colour(`[${label}]`)}`.replace(/^ {3}/, '  '),
    `    ${message}`,
    ...(advice === undefined ? [] : [`    ${colours.faint('=')} ${colours.hint(advice)}`]),
  ];
}
