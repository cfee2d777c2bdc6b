import { type Edit, edited } from './edit.js';
import type { Place } from './place.js';

/** A file as it is after its edits. */
export interface FixedFile {
  readonly file: string;
  readonly text: string;
  /** The places whose edits were made. */
  readonly places: readonly Place[];
}

/**
 * Makes the edits of places in the texts of their files. Of two that overlap, the first is made; the other place is still there in
 * the next run.
 *
 * @param read the text of a file, as it was when the places were found
 */
export function fixedFiles(places: readonly Place[], read: (file: string) => string): FixedFile[] {
  const byFile = new Map<string, (Place & { readonly fix: Edit })[]>();
  for (const place of places) {
    if (!hasFix(place)) continue;
    const known = byFile.get(place.file);
    if (known) known.push(place);
    else byFile.set(place.file, [place]);
  }
  return [...byFile].map(([file, found]) => {
    const whole = read(file);
    // The compiler does not count the mark at the beginning of a file.
    const mark = whole.startsWith(byteOrderMark) ? byteOrderMark : '';
    const { edits, places: made } = compatible(found);
    return { file, text: mark + edited(whole.slice(mark.length), edits), places: made };
  });
}

const byteOrderMark = '\ufeff';

function hasFix(place: Place): place is Place & { readonly fix: Edit } {
  return place.fix !== undefined;
}

/** The edits that can be made together, in their order, and the places that they mend. */
function compatible(places: readonly (Place & { readonly fix: Edit })[]): {
  readonly edits: readonly Edit[];
  readonly places: readonly Place[];
} {
  const sorted = [...places].sort((a, b) => a.fix.start - b.fix.start || a.fix.end - b.fix.end);
  const edits: Edit[] = [];
  const made: Place[] = [];
  const seen = new Set<string>();
  for (const place of sorted) {
    const { fix } = place;
    const key = JSON.stringify(fix);
    // One edit can mend several changes.
    if (!seen.has(key)) {
      if (fix.start < (edits.at(-1)?.end ?? 0)) continue;
      edits.push(fix);
      seen.add(key);
    }
    made.push(place);
  }
  return { edits, places: made };
}
