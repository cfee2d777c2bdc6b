import { FILE_HEADERS_ONLY, formatPatch, type StructuredPatch, structuredPatch } from 'diff';

/** The time to find the fewest lines that differ grows with the square of their number. Beyond this many, all lines are replaced. */
const mostEdits = 2000;

/** How many equal lines are shown around what differs. */
const context = 3;

/** How a file would change, in the unified format, as `patch` reads it. */
export function unifiedDiff(path: string, before: string, after: string): string {
  const found = structuredPatch(path, path, before, after, undefined, '(generated)', {
    context,
    maxEditLength: mostEdits,
  });
  return formatPatch(found ?? replacement(path, before, after), FILE_HEADERS_ONLY);
}

/** The patch that removes every line and adds every line. */
function replacement(path: string, before: string, after: string): StructuredPatch {
  const { hunks: removed } = structuredPatch(path, path, before, '');
  const { hunks: added, ...rest } = structuredPatch(path, path, '', after, undefined, '(generated)');
  const hunk = {
    oldStart: 1,
    oldLines: removed[0]?.oldLines ?? 0,
    newStart: 1,
    newLines: added[0]?.newLines ?? 0,
    lines: [...removed, ...added].flatMap(({ lines }) => lines),
  };
  return { ...rest, hunks: [hunk] };
}
