import type { DocBlock } from '../syntax/doc-block.js';
import type { Expression, SyntaxString } from '../syntax/tree.js';
import type { Span } from '../text/source-file.js';
import type { BuiltinType, Conditional, EnumMember, Feature } from './model.js';

/**
 * The entities of a schema between definition and model: every name is registered, references are names with the entity that
 * they were found to mean. Checks run on drafts because a draft may be wrong in every way that a model may not.
 */
export type Draft = BuiltinDraft | EnumDraft | ArrayDraft | ObjectDraft | AlternateDraft | CommandDraft | EventDraft;

/** The drafts that are types: what a reference can mean. */
export type TypeDraft = Exclude<Draft, CommandDraft | EventDraft>;

/** A type as it is named somewhere. */
export interface TypeReference {
  /** The name of the type; of an array type, the name that the language gives it (`intList`). */
  readonly name: string;
  /** Where it is named: the type name itself, also inside an array's brackets. */
  readonly span: Span;
  /** Whether it is written as an array, and not by a name: where arrays are not allowed, that has been reported. */
  readonly array?: true;
  /** What it means; undefined when no such type is defined. */
  target?: TypeDraft | undefined;
  /** Whether it needs no report that the target is missing: another problem is the cause, and is reported. */
  excused?: boolean;
}

interface DraftBase extends Conditional {
  readonly name: string;
  readonly features: readonly Feature[];
  readonly doc?: DocBlock;
  /** The expression that defines it, or that caused it when it is implicit; built-ins have none. */
  readonly expression?: Expression;
  readonly implicit: boolean;
}

export interface BuiltinDraft extends DraftBase, Pick<BuiltinType, 'json' | 'range'> {
  readonly kind: 'builtin';
}

export interface EnumDraft extends DraftBase {
  readonly kind: 'enum';
  readonly prefix?: string;
  readonly members: readonly EnumMember[];
}

export interface ArrayDraft extends DraftBase {
  readonly kind: 'array';
  readonly element: TypeReference;
}

export interface MemberDraft extends Conditional {
  /** Without the `*`. */
  readonly name: string;
  readonly type: TypeReference;
  readonly optional: boolean;
  readonly features: readonly Feature[];
  readonly span: Span;
}

/** A branch of a union or alternate. */
export interface BranchDraft extends Conditional {
  readonly name: string;
  readonly type: TypeReference;
  /** Whether the schema left the branch out and the language added it. */
  readonly implicit: boolean;
  readonly span: Span;
}

/** The part of an object type that makes it a union. */
export interface VariantsDraft {
  /** The name of the discriminator. A simple union has none: its tag is its own `type`. */
  readonly discriminator?: SyntaxString;
  readonly simple: boolean;
  /** The discriminator, where it was found. */
  tag?: MemberDraft | undefined;
  /** As written; the implicit ones are appended when the tag is known. */
  readonly branches: BranchDraft[];
}

/** A struct, a union or an implicit object type. */
export interface ObjectDraft extends DraftBase {
  readonly kind: 'object';
  readonly base?: TypeReference;
  /** Own members, without the base's. */
  readonly members: readonly MemberDraft[];
  /** The type wrapped by a simple union's branch: the wrapper exists under the same condition. */
  readonly wraps?: TypeReference;
  readonly variants?: VariantsDraft;
}

export interface AlternateDraft extends DraftBase {
  readonly kind: 'alternate';
  readonly branches: readonly BranchDraft[];
}

export interface CommandDraft extends DraftBase {
  readonly kind: 'command';
  readonly arguments?: TypeReference;
  readonly returns?: TypeReference;
  readonly boxed: boolean;
  readonly gen: boolean;
  readonly successResponse: boolean;
  readonly allowOob: boolean;
  readonly allowPreconfig: boolean;
  readonly coroutine: boolean;
}

export interface EventDraft extends DraftBase {
  readonly kind: 'event';
  readonly arguments?: TypeReference;
  readonly boxed: boolean;
}
