/** A part of a line of documentation. */
export type Inline =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'literal'; readonly text: string }
  /** The name of a definition, a member or a value. */
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'emphasis'; readonly strong: boolean; readonly content: readonly Inline[] }
  /** The text of a bare address is the address. */
  | { readonly kind: 'hyperlink'; readonly text: string; readonly url: string };

/** A block of documentation. */
export type Block =
  | { readonly kind: 'paragraph' | 'heading'; readonly content: readonly Inline[] }
  | DefinitionList
  | List
  | CodeBlock
  | Table
  | Admonition
  | Example;

/** Terms, each with what it means. */
export interface DefinitionList {
  readonly kind: 'definitions';
  readonly items: readonly { readonly term: readonly Inline[]; readonly content: readonly Block[] }[];
}

/** A list, with numbers or without. */
export interface List {
  readonly kind: 'list';
  readonly ordered: boolean;
  readonly items: readonly ListItem[];
}

/** An item of a list. */
export interface ListItem {
  /** The number that it is written with. */
  readonly number?: string;
  /** Whether it follows what is before it without an empty line. */
  readonly tight: boolean;
  readonly content: readonly Block[];
}

/** Text that is shown as it is. */
interface CodeBlock {
  readonly kind: 'code';
  /** Without the indentation that all of them share. */
  readonly lines: readonly string[];
  /** Empty where it is not known. */
  readonly language: string;
}

/** A table. Without rows, it has a form that is shown as it is written. */
export interface Table {
  readonly kind: 'table';
  readonly source: readonly string[];
  readonly head: readonly TableRow[];
  readonly rows: readonly TableRow[];
}

/** The cells of a row. */
export type TableRow = readonly (readonly Inline[])[];

/** A note, a warning, or whatever else the schema gives a title. */
export interface Admonition {
  readonly kind: 'admonition';
  readonly title: readonly Inline[];
  readonly content: readonly Block[];
}

/** An exchange of messages, perhaps with text in between. */
export interface Example {
  readonly kind: 'example';
  readonly title: readonly Inline[];
  readonly content: readonly Block[];
}
