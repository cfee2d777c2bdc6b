import type { Span } from '../text/source-file.js';

/** A section of a documentation block that starts with a tag, such as `Returns:` or `Since:`; `undefined` tag: untagged text after the arguments. */
export interface DocSection {
  readonly tag?: string;
  /** The text without the leading `# `, its indentation and the tag. */
  readonly text: string;
  /** From the first line of the section to its last. */
  readonly span: Span;
}

/** What a documentation block says about one member, branch, value or feature. */
export interface DocArgument {
  readonly name: string;
  readonly text: string;
  readonly span: Span;
  /** Releases up to 2.11 wrote `#optional` where the member is optional; the marker is not part of `text`. */
}

/** A documentation comment: free-form when it has no `symbol`. */
export interface DocBlock {
  /** The whole block, from the opening `##` to the closing one. */
  readonly span: Span;
  /** What a definition block describes: the name after `@` in its first line. */
  readonly symbol?: { readonly name: string; readonly span: Span };
  /** The text before the first section, in the schema's reStructuredText-like markup. */
  readonly body: string;
  readonly arguments: readonly DocArgument[];
  readonly features: readonly DocArgument[];
  readonly sections: readonly DocSection[];
}
