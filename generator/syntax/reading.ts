import type { SourceFile } from '../text/source-file.js';
import type { Dialect } from './dialect.js';
import type { Problems } from './problem.js';

/** A file that is being read. */
export interface Reading {
  readonly file: SourceFile;
  readonly dialect: Dialect;
  readonly problems: Problems;
}
