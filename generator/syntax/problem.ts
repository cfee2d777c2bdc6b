import {
  type Diagnostic,
  type DiagnosticDetails,
  type DiagnosticName,
  type DiagnosticParameters,
  diagnostic,
} from '../text/diagnostic.js';
import type { SourceFile } from '../text/source-file.js';

/**
 * The reference reads a file token by token and stops at its first problem, so that the order in which it does things decides
 * which one that is. What happens around one token happens in these phases: the token is read (and may be malformed), what came
 * before it is finished, then it is looked at (and may be unexpected).
 */
export const phase = { read: 0, finish: 1, look: 2 } as const;

/** A moment in the reference's reading of a file. */
export interface Moment {
  /** The offset of the token that has been read last. */
  readonly at: number;
  readonly phase: (typeof phase)[keyof typeof phase];
}

/** A diagnostic, and when the reference would meet it. */
export interface Problem extends Moment {
  readonly diagnostic: Diagnostic;
}

/** Compares moments of the same file. */
export function compareMoments(a: Moment, b: Moment): number {
  return a.at - b.at || a.phase - b.phase;
}

/** Problems of documentation break nothing but the documentation. */
export function isMalformed({ diagnostic }: Problem): boolean {
  return !diagnostic.code.startsWith('QAPI5');
}

/** The problems of one file, in no particular order. */
export class Problems {
  readonly file: SourceFile;
  readonly found: Problem[] = [];

  constructor(file: SourceFile) {
    this.file = file;
  }

  /** Reports a problem at a stretch of the file. The reference prints columns of these, but not where `details` say otherwise. */
  report<N extends DiagnosticName>(
    name: N,
    parameters: DiagnosticParameters<N>,
    [start, end]: readonly [start: number, end: number],
    when: Moment,
    details?: DiagnosticDetails,
  ): void {
    const { file } = this;
    const found = diagnostic(name, parameters, { file, start, end }, { columns: file.columns, ...details });
    this.found.push({ ...when, diagnostic: found });
  }
}
