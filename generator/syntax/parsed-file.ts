import type { DocBlock } from './doc-block.js';
import type { Moment, Problem } from './problem.js';
import type { SyntaxObject } from './tree.js';

/** What stands at the top level of a file. */
export type FileItem =
  | { readonly kind: 'documentation'; readonly blocks: readonly DocBlock[]; readonly finished: Moment }
  | { readonly kind: 'expression'; readonly value: SyntaxObject; readonly broken: boolean; readonly finished: Moment };

/** A file as it stands, before its includes and pragmas are looked at. */
export interface ParsedFile {
  readonly items: readonly FileItem[];
  /** In the order in which the reference meets them. */
  readonly problems: readonly Problem[];
  /** When the end of the file has been reached. */
  readonly finished: Moment;
  /** Whether all releases that decode text find the same expressions here: there is no fault, nor what only some of them have. */
  readonly plain?: boolean;
}
