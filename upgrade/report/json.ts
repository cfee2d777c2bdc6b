import type { Place } from '../place.js';

/** A place for tools: without offsets, and with the text that `--fix` would write. */
export interface PlaceJson extends Omit<Place, 'start' | 'end' | 'fix'> {
  readonly fix?: string;
}

/** A place as plain data. */
export function placeAsJson({ start, end, fix, ...place }: Place, nameOf: (file: string) => string): PlaceJson {
  return { ...place, file: nameOf(place.file), ...(fix && { fix: fix.text }) };
}
