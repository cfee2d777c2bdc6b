import type { Dialect } from '../syntax/dialect.js';
import type { MetaKey } from '../syntax/meta-key.js';
import type { Expression, SyntaxString, SyntaxValue } from '../syntax/tree.js';
import { builtinTypes, emptyObject, nowhere, qtype } from './builtins.js';
import { type DefinedName, definedName } from './check/context.js';
import type {
  AlternateDraft,
  ArrayDraft,
  BranchDraft,
  CommandDraft,
  Draft,
  EnumDraft,
  EventDraft,
  MemberDraft,
  ObjectDraft,
  TypeReference,
  VariantsDraft,
} from './draft.js';
import type { LostNames } from './lost.js';
import { memberName } from './names.js';
import {
  get,
  isInlineObject,
  isLiteral,
  pairsOf,
  readEnumMembers,
  readFeatures,
  typeValue,
  withCondition,
} from './read.js';
import { completeUnions } from './variants.js';

/** Every entity of a schema, by name and in order of definition, built-in and implicit ones included. */
export interface Drafts {
  readonly entities: readonly Draft[];
  readonly names: ReadonlyMap<string, Draft>;
  /** Whether it needs no report that nothing has this name: another problem is the cause, and is reported. */
  excuses(name: string): boolean;
}

/** Called for each definition in order, with an earlier one of the same name. */
export type OnDefinition = (expression: Expression, defined: DefinedName, earlier: Draft | undefined) => void;

/**
 * Makes the entities that the expressions define, implicit types before the definition that needs them, and finds out what
 * their references mean. Expressions may be wrong in any way: what can be understood of them is defined, so that their
 * users are not reported as naming what is missing.
 *
 * @param lost the names that may be defined where nothing could be understood: no reference to them is called unknown
 */
export function define(
  expressions: readonly Expression[],
  dialect: Dialect,
  lost: LostNames,
  onDefinition: OnDefinition,
): Drafts {
  const definer = new Definer(dialect, lost, onDefinition);
  for (const expression of expressions) definer.define(expression);
  definer.resolve();
  return definer;
}

class Definer implements Drafts {
  readonly entities: Draft[] = [];
  readonly names = new Map<string, Draft>();
  /** Array types by the name of their element. */
  readonly #arrays = new Map<string, ArrayDraft>();
  readonly #references: TypeReference[] = [];
  readonly #empty = emptyObject();
  readonly #dialect: Dialect;
  readonly #lost: LostNames;
  readonly #onDefinition: OnDefinition;

  constructor(dialect: Dialect, lost: LostNames, onDefinition: OnDefinition) {
    this.#dialect = dialect;
    this.#lost = lost;
    this.#onDefinition = onDefinition;
    for (const type of builtinTypes(dialect)) {
      this.#add(type);
      if (type.name === 'any' && dialect.has("type '**'")) this.names.set('**', type);
      this.#add(this.#arrayOf({ name: type.name, span: nowhere, target: type }, undefined));
    }
    this.#add(this.#empty);
    if (dialect.has('type QType')) this.#add(qtype(dialect));
  }

  define(expression: Expression): void {
    const defined = definedName(expression);
    if (!defined) return;
    const draft = this.#draft(defined.meta, defined.name.value, expression);
    this.#onDefinition(expression, defined, this.names.get(draft.name));
    this.#add(draft);
  }

  excuses(name: string): boolean {
    return this.#lost.has(name);
  }

  resolve(): void {
    for (const reference of this.#references) {
      const target = this.names.get(reference.name);
      if (target && target.kind !== 'command' && target.kind !== 'event') reference.target = target;
      else if (!target && this.excuses(reference.name)) reference.excused = true;
    }
    completeUnions(
      this.entities.filter((entity) => entity.kind === 'object'),
      this.#empty,
    );
  }

  #draft(meta: MetaKey, name: string, expression: Expression): Draft {
    switch (meta) {
      case 'enum':
        return this.#enum(name, expression);
      case 'struct':
        return this.#struct(name, expression);
      case 'union':
        return this.#union(name, expression);
      case 'alternate':
        return this.#alternate(name, expression);
      case 'command':
        return this.#command(name, expression);
      case 'event':
        return this.#event(name, expression);
    }
  }

  #enum(name: string, expression: Expression): EnumDraft {
    const prefix = get(expression.value, 'prefix');
    return {
      kind: 'enum',
      ...common(name, expression),
      ...(prefix?.kind === 'string' && { prefix: prefix.value }),
      members: readEnumMembers(get(expression.value, 'data')),
    };
  }

  #struct(name: string, expression: Expression): ObjectDraft {
    const members = this.#members(get(expression.value, 'data'), expression);
    const base = this.#typeName(get(expression.value, 'base'));
    return { kind: 'object', ...common(name, expression), ...(base && { base }), members };
  }

  #union(name: string, expression: Expression): ObjectDraft {
    const { value } = expression;
    const base = this.#nameOrInline(get(value, 'base'), `q_obj_${name}-base`, expression);
    const discriminator = get(value, 'discriminator');
    const always = this.#dialect.has('every union has a discriminator');
    // An empty name counts as none as long as there are unions without.
    const named =
      discriminator?.kind === 'string' && (always || discriminator.value !== '') ? discriminator : undefined;
    const simple = !named && !always;
    const parts = simple
      ? this.#simple(name, expression)
      : { members: [], variants: this.#variants(named, get(value, 'data'), expression) };
    return { kind: 'object', ...common(name, expression), ...(base && { base }), ...parts };
  }

  #variants(
    discriminator: SyntaxString | undefined,
    data: SyntaxValue | undefined,
    expression: Expression,
  ): VariantsDraft {
    return {
      ...(discriminator && { discriminator }),
      simple: false,
      branches: this.#branches(data, expression),
    };
  }

  /** A simple union has a tag of its own and wraps the types of its branches. */
  #simple(name: string, expression: Expression): Pick<ObjectDraft, 'members' | 'variants'> {
    const { span } = expression.value;
    const branches = pairsOf(get(expression.value, 'data')).map(({ key, value }): BranchDraft => {
      const type = this.#wrapper(this.#type(typeValue(value), value, expression), expression);
      return withCondition({ name: key.value, type, implicit: false, span: key.span }, value);
    });
    const kind: EnumDraft = {
      kind: 'enum',
      ...implicit(`${name}Kind`, expression),
      members: branches.map(({ name, span, condition }) => ({
        name,
        span,
        features: [],
        ...(condition && { condition }),
      })),
    };
    this.#add(kind);
    const type = { name: kind.name, span, target: kind };
    const tag: MemberDraft = { name: 'type', type, optional: false, features: [], span };
    return { members: [tag], variants: { simple: true, tag, branches } };
  }

  #wrapper(type: TypeReference, expression: Expression): TypeReference {
    const name = `q_obj_${type.name}-wrapper`;
    let target = this.names.get(name);
    if (target?.kind !== 'object') {
      const data: MemberDraft = { name: 'data', type, optional: false, features: [], span: type.span };
      target = { kind: 'object', name, features: [], expression, implicit: true, members: [data], wraps: type };
      this.#add(target);
    }
    return { name, span: type.span, target };
  }

  #alternate(name: string, expression: Expression): AlternateDraft {
    const branches = this.#branches(get(expression.value, 'data'), expression);
    return { kind: 'alternate', ...common(name, expression), branches };
  }

  #command(name: string, expression: Expression): CommandDraft {
    const { value } = expression;
    const args = this.#nameOrInline(get(value, 'data'), `q_obj_${name}-arg`, expression);
    const result = get(value, 'returns');
    const returns =
      result?.kind === 'array'
        ? this.#type(result, result, expression)
        : this.#nameOrInline(result, `q_obj_${name}-ret`, expression);
    return {
      kind: 'command',
      ...common(name, expression),
      ...(args && { arguments: args }),
      ...(returns && { returns }),
      boxed: isLiteral(get(value, 'boxed'), true),
      gen: !isLiteral(get(value, 'gen'), false),
      successResponse: !isLiteral(get(value, 'success-response'), false),
      allowOob: isLiteral(get(value, 'allow-oob'), true),
      allowPreconfig: isLiteral(get(value, 'allow-preconfig'), true),
      coroutine: isLiteral(get(value, 'coroutine'), true),
    };
  }

  #event(name: string, expression: Expression): EventDraft {
    const args = this.#nameOrInline(get(expression.value, 'data'), `q_obj_${name}-arg`, expression);
    const boxed = isLiteral(get(expression.value, 'boxed'), true);
    return { kind: 'event', ...common(name, expression), ...(args && { arguments: args }), boxed };
  }

  #members(data: SyntaxValue | undefined, expression: Expression): MemberDraft[] {
    return pairsOf(data).map(({ key, value }) => {
      const member = {
        name: memberName(key.value),
        type: this.#type(typeValue(value), value, expression),
        optional: key.value.startsWith('*'),
        features: readFeatures(value),
        span: key.span,
      };
      return withCondition(member, value);
    });
  }

  #branches(data: SyntaxValue | undefined, expression: Expression): BranchDraft[] {
    return pairsOf(data).map(({ key, value }) => {
      const type = this.#type(typeValue(value), value, expression);
      return withCondition({ name: key.value, type, implicit: false, span: key.span }, value);
    });
  }

  /** A base, argument or return type: a name, or an inline object that becomes an implicit type unless it is empty. */
  #nameOrInline(value: SyntaxValue | undefined, name: string, expression: Expression): TypeReference | undefined {
    if (!isInlineObject(value)) return this.#typeName(value);
    const members = this.#members(value, expression);
    const target: ObjectDraft = { kind: 'object', ...implicit(name, expression), members };
    this.#add(target);
    return { name, span: value.span, target };
  }

  /** A type named where nothing else makes sense; an empty name counts as none (4.2+; the earlier releases' checks reject it). */
  #typeName(value: SyntaxValue | undefined): TypeReference | undefined {
    return value?.kind === 'string' && value.value !== '' ? this.#reference(value) : undefined;
  }

  /** A type named as `'T'` or `['T']`. */
  #type(value: SyntaxValue | undefined, place: SyntaxValue, expression: Expression): TypeReference {
    if (value?.kind === 'string') return this.#reference(value);
    const [element, another] = value?.kind === 'array' ? value.elements : [];
    if (element?.kind !== 'string' || another) return { name: '', span: (value ?? place).span, excused: true };
    const reference = this.#reference(element);
    let array = this.#arrays.get(reference.name);
    if (!array) {
      array = this.#arrayOf(reference, expression);
      this.#add(array);
    }
    return { name: array.name, span: element.span, array: true, target: array };
  }

  #arrayOf(element: TypeReference, expression: Expression | undefined): ArrayDraft {
    const array: ArrayDraft = {
      kind: 'array',
      name: `${element.name}List`,
      element,
      features: [],
      implicit: true,
      ...(expression && { expression }),
    };
    this.#arrays.set(element.name, array);
    return array;
  }

  #reference(name: SyntaxString): TypeReference {
    // With all that is known later: what is added to an object takes more room.
    const reference = { name: name.value, span: name.span, target: undefined, excused: false };
    this.#references.push(reference);
    return reference;
  }

  #add(draft: Draft): void {
    this.entities.push(draft);
    if (!this.names.has(draft.name)) this.names.set(draft.name, draft);
  }
}

/** What every entity has that an expression defines. */
function common(name: string, expression: Expression) {
  const { doc, value } = expression;
  const features = readFeatures(value);
  const parts = withCondition({ name, features, expression, implicit: false }, value);
  return doc?.symbol ? { ...parts, doc } : parts;
}

const none: readonly never[] = [];

/** What an implicit type has: it exists under the condition of the definition that needs it. */
function implicit(name: string, expression: Expression) {
  return withCondition({ name, features: none, expression, implicit: true }, expression.value);
}
