import type { DocBlock } from '../doc-block.js';

/** A line of a documentation block, by offsets: of its `#`, of its text, and of the end of the text. */
export interface DocLine {
  readonly hash: number;
  readonly start: number;
  readonly end: number;
}

/** What a part of a documentation block is about. Text of `discarded` parts is lost. */
export type PartKind = 'body' | 'argument' | 'feature' | 'section' | 'discarded';

/** A part of a documentation block that is being collected. */
export interface Part {
  readonly kind: PartKind;
  /** The name of what is described, or the tag. The body and untagged sections have none. */
  readonly name: string | undefined;
  /** The line that it starts on; the body has none. */
  readonly line: DocLine | undefined;
  /** Where its text starts: behind the name or tag. */
  start: number;
  /** Where its text ends so far. */
  end: number;
  /** Whether it has any text. */
  filled: boolean;
}

/** The name that a block describes. */
export type DocSymbol = NonNullable<DocBlock['symbol']>;
