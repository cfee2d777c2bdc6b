import type { SyntaxObject, SyntaxPair, SyntaxString, SyntaxValue } from '../syntax/tree.js';
import { readCondition } from './condition.js';
import type { Conditional, EnumMember, Feature } from './model.js';

/** The value of a key, if `value` is an object that has it. */
export function get(value: SyntaxValue | undefined, key: string): SyntaxValue | undefined {
  return value?.kind === 'object' ? value.pairs.get(key)?.value : undefined;
}

/** The pairs of an object; none for anything else. */
export function pairsOf(value: SyntaxValue | undefined): readonly SyntaxPair[] {
  return value?.kind === 'object' ? value.pairs.values() : [];
}

/** The elements of an array; none for anything else. */
export function elementsOf(value: SyntaxValue | undefined): readonly SyntaxValue[] {
  return value?.kind === 'array' ? value.elements : [];
}

/** Whether a value is the given boolean literal. */
export function isLiteral(value: SyntaxValue | undefined, literal: boolean): boolean {
  return value?.kind === 'boolean' && value.value === literal;
}

const noFeatures: readonly Feature[] = [];

/** What has been read of a definition or of a long form, with its condition: most have none, and need no copy. */
export function withCondition<T extends object>(parts: T, value: SyntaxValue | undefined): T & Conditional {
  const condition = readCondition(get(value, 'if'));
  return condition ? { ...parts, condition } : parts;
}

/** The features of a definition or of a long form, themselves in the long or the short form. What is neither is left out. */
export function readFeatures(value: SyntaxValue | undefined): readonly Feature[] {
  const list = get(value, 'features');
  if (!list) return noFeatures;
  return readNamed(list).map(([form, name]) => withCondition({ name: name.value, span: name.span }, form));
}

/** The long and short forms of enum values. What is neither is left out. */
export function readEnumMembers(data: SyntaxValue | undefined): EnumMember[] {
  return readNamed(data).map(([form, name]) =>
    withCondition({ name: name.value, span: name.span, features: readFeatures(form) }, form),
  );
}

function readNamed(list: SyntaxValue | undefined): [form: SyntaxValue, name: SyntaxString][] {
  return elementsOf(list).flatMap((form): [SyntaxValue, SyntaxString][] => {
    const name = form.kind === 'object' ? get(form, 'name') : form;
    return name?.kind === 'string' ? [[form, name]] : [];
  });
}

/** The type that a member or branch names: in the long form the value of `type`. */
export function typeValue(value: SyntaxValue): SyntaxValue | undefined {
  return value.kind === 'object' ? get(value, 'type') : value;
}

/** Whether a value is a type's inline definition with at least one member. */
export function isInlineObject(value: SyntaxValue | undefined): value is SyntaxObject {
  return value?.kind === 'object' && value.pairs.size > 0;
}
