import type { SourceFile } from '../text/source-file.js';
import type { Dialect } from './dialect.js';
import type { ParsedFile } from './parsed-file.js';

/** A file, and what has been read of it by the rules of a dialect. */
interface Parsed {
  readonly file: SourceFile;
  readonly dialect: string;
  readonly parsed: ParsedFile;
}

/** The files of a schema as they were read last, for callers that read it again and again: what has not changed need not be parsed. */
export class ParsedFiles {
  #before: ReadonlyMap<string, Parsed> = new Map();
  #now = new Map<string, Parsed>();

  /** Begins to read the schema. What is not read this time is forgotten with the next. */
  begin(): void {
    this.#before = this.#now;
    this.#now = new Map();
  }

  /** What was read of a file the last time, if it is as it was then. */
  get(path: string, file: SourceFile, dialect: Dialect): Parsed | undefined {
    const before = this.#before.get(path);
    const isSame = before?.file.path === file.path && before.file.text === file.text && before.dialect === dialect.name;
    return isSame ? before : undefined;
  }

  /** Keeps what has been read of a file for the next time. */
  add(path: string, parsed: Parsed): void {
    this.#now.set(path, parsed);
  }
}
