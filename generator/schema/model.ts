import type { DocBlock } from '../syntax/doc-block.js';
import type { SourceFile, Span } from '../text/source-file.js';

/** When something exists: the condition of an `if`, in the one form that both syntaxes are read into. */
export type Condition =
  /** 6.2+: the name of a configuration symbol. */
  | { readonly kind: 'symbol'; readonly name: string }
  /** 3.0–6.1: a C preprocessor expression that is more than `defined(NAME)`. */
  | { readonly kind: 'expression'; readonly text: string }
  | { readonly kind: 'all' | 'any'; readonly operands: readonly Condition[] }
  | { readonly kind: 'not'; readonly operand: Condition };

/** `if` as the schema wrote it (for the IR) and as it is understood. */
export interface Conditional {
  readonly condition?: { readonly value: Condition; readonly source: unknown };
}

/** A named property of a definition, member or enum value, visible in introspection. `deprecated` and `unstable` have fixed meanings. */
export interface Feature extends Conditional {
  readonly name: string;
  readonly span: Span;
}

/** What every entity of a schema has. */
export interface DefinitionBase extends Conditional {
  readonly name: string;
  readonly module: Module;
  readonly features: readonly Feature[];
  /** The documentation block; implicit and built-in types have none. */
  readonly doc?: DocBlock;
  /** The expression that defines it, or that caused it when it is implicit. Built-ins have none. */
  readonly span?: Span;
  /** Whether the language made it (arrays, inline objects, wrappers, `XKind` enums, built-ins) rather than a definition of its own. */
  readonly implicit: boolean;
}

/** How a built-in type looks in JSON. */
export type JsonKind = 'string' | 'int' | 'number' | 'boolean' | 'null' | 'value';

export interface BuiltinType extends DefinitionBase {
  readonly kind: 'builtin';
  readonly json: JsonKind;
  /** Integer types: least and greatest value. */
  readonly range?: { readonly min: bigint; readonly max: bigint };
}

export interface EnumMember extends Conditional {
  readonly name: string;
  readonly features: readonly Feature[];
  readonly span: Span;
}

export interface EnumType extends DefinitionBase {
  readonly kind: 'enum';
  readonly prefix?: string;
  readonly members: readonly EnumMember[];
}

export interface ArrayType extends DefinitionBase {
  readonly kind: 'array';
  readonly element: Type;
}

/** A member of an object type. */
export interface Member extends Conditional {
  readonly name: string;
  readonly type: Type;
  readonly optional: boolean;
  readonly features: readonly Feature[];
  readonly span: Span;
}

/** A struct, or an implicit object type (`q_obj_…`, `q_empty`). */
export interface StructType extends DefinitionBase {
  readonly kind: 'struct';
  readonly base?: StructType;
  /** Own members, without the base's. */
  readonly members: readonly Member[];
}

/** A branch of a union: the members that `type` adds when the tag has the value `name`. */
export interface UnionBranch extends Conditional {
  readonly name: string;
  /** `q_empty` for a tag value without a branch of its own. Unions as branches: 8.1+. */
  readonly type: ObjectType;
  /** Whether the schema left the branch out and the language added it. */
  readonly implicit: boolean;
  readonly span: Span;
}

export interface UnionType extends DefinitionBase {
  readonly kind: 'union';
  /** Flat unions: the named base or the implicit `q_obj_NAME-base`. */
  readonly base?: StructType;
  /** Own members: the implicit `type` of a simple union, else none. */
  readonly members: readonly Member[];
  /** The discriminator: a member of the base (perhaps inherited), or of the union itself when it is simple. */
  readonly tag: Member;
  readonly branches: readonly UnionBranch[];
  /** A simple union (up to 6.1): branches are `q_obj_T-wrapper` types with the one member `data`. */
  readonly simple: boolean;
}

export type ObjectType = StructType | UnionType;

/** A branch of an alternate: one of the types that the bare value may have. */
export interface AlternateBranch extends Conditional {
  readonly name: string;
  readonly type: Type;
  readonly span: Span;
}

export interface AlternateType extends DefinitionBase {
  readonly kind: 'alternate';
  readonly branches: readonly AlternateBranch[];
}

export interface Command extends DefinitionBase {
  readonly kind: 'command';
  /** Absent when the command takes no arguments. An alternate only with `boxed`, 2.7–4.1. */
  readonly arguments?: ObjectType | AlternateType;
  readonly returns?: Type;
  readonly boxed: boolean;
  readonly gen: boolean;
  readonly successResponse: boolean;
  readonly allowOob: boolean;
  readonly allowPreconfig: boolean;
  readonly coroutine: boolean;
}

export interface Event extends DefinitionBase {
  readonly kind: 'event';
  readonly arguments?: ObjectType | AlternateType;
  readonly boxed: boolean;
}

export type Type = BuiltinType | EnumType | ArrayType | ObjectType | AlternateType;
export type Definition = Type | Command | Event;

/** A file of the schema, or the built-in module. */
export interface Module {
  /** Path relative to the root schema's folder (`block-core.json`); `./builtin` for the built-in module. */
  readonly name: string;
  /** Absent for the built-in module. */
  readonly file?: SourceFile;
  /** Names of the included modules, in order of writing. */
  readonly includes: readonly string[];
  /** The entities of the module, in order of definition; implicit types before the definition that needs them. */
  readonly definitions: readonly Definition[];
  /** All documentation blocks of the file, in order; also the free-form ones. */
  readonly docs: readonly DocBlock[];
}

/** A checked schema: immutable, with every name resolved. */
export interface Schema {
  /** `./builtin` first, then in the order in which the reference visits them. */
  readonly modules: readonly Module[];
  /** Every entity in order of definition, with includes expanded in place; built-in and implicit ones included. */
  readonly definitions: readonly Definition[];
  /** Types, commands and events share one namespace. */
  lookup(name: string): Definition | undefined;
}
