import type { ChangeSeverity } from '../generator/compare/change.js';
import type { Edit } from './edit.js';

/** A place in a program that a change of the schema touches. */
export interface Place {
  /** The absolute path of the file. */
  readonly file: string;
  /** Offsets in its text. */
  readonly start: number;
  readonly end: number;
  /** As people count: both start at 1. */
  readonly line: number;
  readonly column: number;
  /** What the program does there: `issues the command`, `reads the member`. */
  readonly use: Use;
  /** The code and kind of the change, as `qapi-ts diff` names it. */
  readonly code: string;
  readonly kind: string;
  readonly severity: ChangeSeverity;
  /** What changes, in a sentence that names the element. */
  readonly reason: string;
  /** What to do about it. */
  readonly remedy?: string;
  /** What does it, where that is mechanical. */
  readonly fix?: Edit;
}

/** How a program uses an element of a schema. */
export type Use = keyof typeof useTexts;

/** The uses in words. */
export const useTexts = {
  command: 'names the command',
  handler: 'handles the command',
  event: 'names the event',
  write: 'sets the member',
  object: 'makes the object',
  read: 'reads the member',
  value: 'uses the value',
  switch: 'lists the values',
  type: 'uses the type',
} as const;
