import type { SourceFile } from '../text/source-file.js';
import type { Dialect } from './dialect.js';
import type { ParsedFile } from './parsed-file.js';
import type { SyntaxObject } from './tree.js';

/** So many characters of a schema are known at most: the expressions of more would take more room than they save time. */
const limit = 4 * 1024 * 1024;

/**
 * What one reading of a schema has found that other releases find, too. Releases differ in what they make of documentation; about
 * all else they agree in most files, in which only the comments need be read again.
 */
export class KnownFiles {
  readonly #files = new Map<string, { readonly file: SourceFile; readonly expressions: readonly SyntaxObject[] }>();
  #length = 0;

  /** Takes what has been read of a file by the rules of `auto`, if it holds for other releases. */
  add(path: string, file: SourceFile, { items, plain }: ParsedFile): void {
    this.#length += file.text.length;
    if (!plain || this.#length > limit) return;
    const expressions = items.flatMap((item) => (item.kind === 'expression' ? [item.value] : []));
    this.#files.set(path, { file, expressions });
  }

  /** The expressions of a file, if they are known and hold in a dialect. */
  get(path: string, { path: name, text }: SourceFile, dialect: Dialect): readonly SyntaxObject[] | undefined {
    const known = this.#files.get(path);
    if (known?.file.path !== name || known.file.text !== text) return undefined;
    return dialect.has('decoded text') && dialect.has('documentation comments checked') ? known.expressions : undefined;
  }
}
