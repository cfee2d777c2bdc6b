import type { Span } from '../text/source-file.js';

/** A section of a documentation block that starts with a tag, such as `Returns:` or `Since:`; `undefined` tag: untagged text after the arguments. */
export interface DocSection {
  readonly tag?: string;
  /** The text without the leading `# `, the tag and the indentation that its lines share. */
  readonly text: string;
  /** From the tag, or the first word, to the end of the last line. */
  readonly span: Span;
}

/** What a documentation block says about one member, branch, value or feature. */
export interface DocArgument {
  readonly name: string;
  /** Like the text of a section. `#optional`, with which releases up to 2.11 marked optional members, is not part of it. */
  readonly text: string;
  /** The `@NAME` that starts the description. */
  readonly span: Span;
}

/** A documentation comment: free-form when it has no `symbol`. */
export interface DocBlock {
  /** The whole block, from the opening `##` to the closing one. */
  readonly span: Span;
  /** The offset of the `##` that opens the comment: from 5.2 to 8.2 a heading in a comment starts another block. */
  readonly comment: number;
  /** What a definition block describes: the name after `@` in its first line. */
  readonly symbol?: { readonly name: string; readonly span: Span };
  /** The text before the first section, in the schema's reStructuredText-like markup. */
  readonly body: string;
  readonly arguments: readonly DocArgument[];
  readonly features: readonly DocArgument[];
  readonly sections: readonly DocSection[];
}
