import type { Int64, JsonValue } from '../json/value.js';

/** What a value is called where it stands: a member's name, an element's index, or nothing for the value that a walk starts with. */
export type Name = string | number | undefined;

/** The members of an object while it is walked. Its keys are data. */
export type Members = Record<string, unknown>;

/**
 * A generated function that walks one type: `visitImageInfo` is a `Visit<ImageInfo>`.
 *
 * @returns what the visitor makes of the value
 */
export type Visit<T> = (visitor: Visitor, value: unknown, name?: Name) => T;

/**
 * A generated function that walks the members of one object type, in the order of the schema: those of the base, the type's own,
 * those of the branch. It replaces a member where the visitor makes another value of it, and touches nothing else.
 *
 * @returns how many members of the object it has visited; any more that the object has are unknown to the schema
 */
export type VisitMembers = (visitor: Visitor, members: Members) => number;

/** The kinds of JSON values, by which an alternate tells its branches apart. */
export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null';

/** The features that have a fixed meaning. */
export type SpecialFeature = 'deprecated' | 'unstable';

/** What a visitor learns about an enum. {@link enumInfo} makes it. */
export interface EnumInfo<E extends string = string> {
  /** The enum's name in the schema. */
  readonly name: string;
  /** Its values, in the order of the schema. */
  readonly values: readonly E[];
  /** The special features of those values that have some. */
  readonly features: ReadonlyMap<string, readonly SpecialFeature[]> | undefined;
  /** The enum's own copy of a value, with which comparisons are fastest; undefined when it is none of the enum's. */
  find(value: unknown): E | undefined;
}

/**
 * What a generated function hands values to. A visitor maps each value to a value: it checks it, converts it, copies it, or just
 * looks at it and returns it as it is.
 *
 * Scalars are one call each. For objects and lists the visitor leads: it calls `members` with the object whose members are to be
 * visited, or `element` with every element, and so decides what a container is, whether the result is the same object or a
 * copy, and whether to go into it at all. An absent optional member is not visited; an absent mandatory one is, as `undefined`.
 *
 * A visitor of your own extends {@link CloneVisitor} (to get a changed copy) or {@link WalkVisitor} (to look at a value) and
 * overrides what matters.
 */
export interface Visitor {
  /** Visits a `str`. */
  str(value: unknown, name: Name): string;
  /** Visits a `bool`. */
  bool(value: unknown, name: Name): boolean;
  /** Visits a `null`. */
  null(value: unknown, name: Name): null;
  /** Visits a `number`. */
  number(value: unknown, name: Name): number;
  /** Visits an `int8`. */
  int8(value: unknown, name: Name): number;
  /** Visits an `int16`. */
  int16(value: unknown, name: Name): number;
  /** Visits an `int32`. */
  int32(value: unknown, name: Name): number;
  /** Visits an `int` or `int64`. */
  int64(value: unknown, name: Name): Int64;
  /** Visits a `uint8`. */
  uint8(value: unknown, name: Name): number;
  /** Visits a `uint16`. */
  uint16(value: unknown, name: Name): number;
  /** Visits a `uint32`. */
  uint32(value: unknown, name: Name): number;
  /** Visits a `uint64`. */
  uint64(value: unknown, name: Name): Int64;
  /** Visits a `size`, a `uint64` that counts bytes. */
  size(value: unknown, name: Name): Int64;
  /** Visits an `any`. */
  any(value: unknown, name: Name): JsonValue;
  /** Visits a value of an enum. */
  enum<E extends string>(value: unknown, name: Name, type: EnumInfo<E>): E;

  /**
   * Visits a struct or union.
   *
   * @param type the type's name in the schema
   * @param members visits the members of the object that it is given
   * @returns the object with its visited members
   */
  struct(value: unknown, name: Name, type: string, members: VisitMembers): unknown;
  /**
   * Visits a list.
   *
   * @param element visits one element
   * @returns the list of visited elements
   */
  list<T>(value: unknown, name: Name, element: Visit<T>): T[];
  /**
   * Chooses the branch of an alternate. The generated function then visits the value as that branch's type.
   *
   * @param type the alternate's name in the schema
   */
  alternate(value: unknown, name: Name, type: string): JsonKind;
  /**
   * Visits the value of an alternate that has no branch for the kind that {@link Visitor.alternate} chose.
   *
   * @param type the alternate's name in the schema
   * @param kinds the kinds for which the alternate has a branch
   */
  otherwise(value: unknown, name: Name, type: string, kinds: readonly JsonKind[]): unknown;
  /**
   * Decides whether a member that is there and has special features takes part. One that does not is left out.
   *
   * @param features the member's special features
   */
  admits(value: unknown, name: Name, features: readonly SpecialFeature[]): boolean;
}
