import { type Colours, noColours } from '../../generator/text/report/colours.js';
import { type Place, useTexts } from '../place.js';

/**
 * Places as people read them, by file.
 *
 *     src/vm.ts
 *       12:15  breaks  reads the member [member-removed]
 *         StatusInfo.singlestep: member 'singlestep' is gone; it was deprecated
 *         = handle its absence
 *
 * @param nameOf how a file is to be named
 */
export function prettyPlaces(
  places: readonly Place[],
  nameOf: (file: string) => string,
  colours: Colours = noColours,
): string {
  const lines: string[] = [];
  let current: string | undefined;
  for (const place of places) {
    if (place.file !== current) lines.push(...(current === undefined ? [] : ['']), colours.strong(nameOf(place.file)));
    current = place.file;
    const { line, column, severity, kind, use, reason, remedy, fix } = place;
    const colour =
      severity === 'breaks' ? colours.error : severity === 'may surprise' ? colours.warning : colours.faint;
    lines.push(`  ${line}:${column}  ${colour(severity)}  ${useTexts[use]} ${colours.faint(`[${kind}]`)}`);
    lines.push(`    ${reason}`);
    const mark = fix ? ' (--fix does it)' : '';
    if (remedy !== undefined) lines.push(`    ${colours.faint('=')} ${colours.hint(`${remedy}${mark}`)}`);
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n\n`;
}
