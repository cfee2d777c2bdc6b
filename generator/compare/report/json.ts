import type { Span } from '../../text/source-file.js';
import type { Change } from '../change.js';

/** Where something stands in a schema file. Lines and columns start at 1. */
export interface ChangePlaceJson {
  file: string;
  line: number;
  column: number;
}

/** A change for tools. */
export interface ChangeJson extends Omit<Change, 'oldPlace' | 'newPlace'> {
  oldPlace?: ChangePlaceJson;
  newPlace?: ChangePlaceJson;
  /** Why it counts for nothing, where a file says so. */
  ignored?: string;
}

/** A change as plain data. */
export function changeAsJson(change: Change, ignored?: string): ChangeJson {
  const { oldPlace, newPlace, ...rest } = change;
  const [old, now] = [placeAsJson(oldPlace), placeAsJson(newPlace)];
  return {
    ...rest,
    ...(old && { oldPlace: old }),
    ...(now && { newPlace: now }),
    ...(ignored !== undefined && { ignored }),
  };
}

/** Built-in types, and what is made of introspection data, stand in no file. */
export function placeAsJson(span: Span | undefined): ChangePlaceJson | undefined {
  if (!span || /^<(?!stdin)/.test(span.file.path)) return undefined;
  return { file: span.file.path, ...span.file.positionAt(span.start, 'character') };
}
