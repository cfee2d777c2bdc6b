import { type Diagnostic, type DiagnosticDetails, diagnostic } from '../../text/diagnostic.js';
import type { SourceFile } from '../../text/source-file.js';
import type { Dialect } from '../dialect.js';
import type { DocBlock } from '../doc-block.js';
import { metaKeyOf, metaKeys } from '../meta-key.js';
import type { SyntaxObject } from '../tree.js';

/** In schemas of before 2.9 descriptions of optional members start so; in later ones that is mostly an error. */
const oldMarker = /^[^\S\n]*#[^\S\n]+@[\w.-]+ ?:\s*#optional/m;

/** Decides which documentation belongs to what, and how bad problems of documentation are: that depends on the whole schema. */
export class DocumentationKeeper {
  readonly #dialect: Dialect;
  #sawOldMarker = false;
  #sawPragma = false;

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
  }

  /** Whether documentation has rules in this schema. A schema without pragmas that marks optional members is older than these rules. */
  get checked(): boolean {
    if (this.#dialect.name !== 'auto') return this.#dialect.has('documentation comments checked');
    return this.#sawPragma || !this.#sawOldMarker;
  }

  enter({ text }: SourceFile): void {
    // The expression takes a hundred times as long to find nothing.
    if (this.#dialect.name !== 'auto' || this.#sawOldMarker || !text.includes('#optional')) return;
    this.#sawOldMarker = oldMarker.test(text);
  }

  sawPragma(): void {
    this.#sawPragma = true;
  }

  /** Leaves out the problems of documentation that has no rules. Where no release is named, the others are warnings. */
  judge(diagnostics: readonly Diagnostic[]): Diagnostic[] {
    if (this.checked && this.#dialect.name !== 'auto') return [...diagnostics];
    return diagnostics.flatMap((found): Diagnostic[] => {
      if (!found.code.startsWith('QAPI5')) return [found];
      return this.checked ? [{ ...found, severity: 'warning' }] : [];
    });
  }

  /** A block that is not followed by a definition: what is wrong with that. */
  dropped(block: DocBlock, found: string): Diagnostic | undefined {
    return (
      block.symbol &&
      diagnostic('documentation-without-definition', { symbol: block.symbol.name, found }, block.span, place(block))
    );
  }

  /** The block before a definition, as far as it is its documentation, and what is wrong with it. */
  attached(block: DocBlock | undefined, value: SyntaxObject): { readonly doc?: DocBlock; readonly fault?: Diagnostic } {
    if (!block) return {};
    const name = nameOf(value);
    const { span, symbol } = block;
    const lenient = !this.#dialect.has('documentation comments checked');
    const marked = span.file.text.startsWith('##', span.start);
    if (lenient && symbol?.name !== name && (this.#dialect.name !== 'auto' || !marked)) return {};
    if (symbol || isNameless(block)) return { doc: block };
    return { fault: diagnostic('documentation-without-symbol', { name }, span, place(block)) };
  }
}

/** The reference names the line where the comment starts that holds the block. */
function place({ span, comment }: DocBlock): DiagnosticDetails {
  return { definition: { span: { ...span, start: comment } } };
}

const nameless = /##[^\n]*\n\s*# ?@/y;

/** Whether a block without symbol is one because its first line, which has been reported, lacks the name. */
function isNameless({ span }: DocBlock): boolean {
  nameless.lastIndex = span.start;
  return nameless.test(span.file.text);
}

/** The name of what an expression defines; the first key of one that defines nothing. */
function nameOf({ pairs }: SyntaxObject): string {
  const meta = metaKeyOf(pairs);
  const name = meta && pairs.get(meta)?.value;
  if (name?.kind === 'string') return name.value;
  const other = metaKeys.map((key) => pairs.get(key)?.value).find((value) => value?.kind === 'string');
  return other?.kind === 'string' ? other.value : (pairs.keys()[0] ?? '');
}
