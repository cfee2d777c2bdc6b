import type { Drafts } from '../define.js';
import type {
  AlternateDraft,
  ArrayDraft,
  CommandDraft,
  Draft,
  EventDraft,
  MemberDraft,
  ObjectDraft,
  TypeReference,
} from '../draft.js';
import { withBases } from '../inheritance.js';
import type { EnumMember, Feature } from '../model.js';
import { checkDistinction } from './alternates.js';
import { type Clashes, findClashes } from './clashes.js';
import { ContainmentWalk } from './containment.js';
import type { CheckContext } from './context.js';
import { describeKind } from './describe.js';
import { References } from './references.js';
import { clashesAmong, reportBranchClashes, reportClash, reportMemberClash } from './report-clash.js';
import { checkVariants } from './unions.js';

/**
 * Resolves and checks every entity as 4.2 and later do: in order of definition, but the base and branches of an object type
 * before the rest of it.
 *
 * @param checked called for each entity when it is done
 */
export function checkEntities(drafts: Drafts, context: CheckContext, checked: (draft: Draft) => void): void {
  const checker = new EntityChecker(drafts, context);
  for (const draft of drafts.entities) {
    checker.check(draft);
    context.enter(draft.expression);
    checked(draft);
  }
}

class EntityChecker {
  readonly #context: CheckContext;
  readonly #references: References;
  readonly #clashes: Clashes;
  readonly #walk: ContainmentWalk;
  readonly #conditional = new Map<ObjectDraft, MemberDraft | undefined>();

  constructor(drafts: Drafts, context: CheckContext) {
    this.#context = context;
    this.#references = new References(drafts, context);
    this.#clashes = findClashes(drafts.entities.filter((draft) => draft.kind === 'object'));
    this.#walk = new ContainmentWalk(context, (object) => this.#object(object));
  }

  check(draft: Draft): void {
    if (draft.kind === 'builtin') return;
    if (draft.kind === 'object') {
      this.#walk.visit(draft);
      return;
    }
    this.#context.enter(draft.expression);
    this.#features(draft);
    switch (draft.kind) {
      case 'enum':
        this.#clash(draft.members, 'value');
        break;
      case 'array':
        this.#array(draft);
        break;
      case 'alternate':
        this.#alternate(draft);
        break;
      case 'command':
        this.#arguments(draft);
        this.#returns(draft);
        break;
      case 'event':
        this.#arguments(draft);
        break;
    }
  }

  /** Checks an object type. Yields what it contains, and waits until that is checked. */
  *#object(object: ObjectDraft): Generator<TypeReference, void> {
    this.#features(object);
    const { base, members, variants } = object;
    const baseType = base && this.#references.resolve(base, "'base'");
    if (baseType?.kind === 'object' && !baseType.variants) yield base as TypeReference;
    else if (base && baseType) this.#unusable(base, "'base'", 'a struct');
    for (const member of members) {
      this.#references.resolve(member.type, memberRole(object, member));
      this.#clash(member.features, 'feature');
      reportMemberClash(member, this.#clashes, this.#context);
    }
    if (!variants) return;
    yield* checkVariants(object, variants, this.#context, this.#references);
    reportBranchClashes(object, variants, this.#clashes, this.#context);
  }

  #array({ element }: ArrayDraft): void {
    const role = 'the element of an array';
    const target = this.#references.resolve(element, role);
    if (target?.kind === 'array') this.#unusable(element, role, 'a type that is no array');
  }

  #alternate(alternate: AlternateDraft): void {
    for (const { name, type } of alternate.branches) this.#references.resolve(type, `branch '${name}'`);
    const clashes = clashesAmong(alternate.branches);
    checkDistinction(alternate, this.#context, (branch) =>
      reportClash(branch, clashes.get(branch), 'branch', this.#context),
    );
  }

  #arguments(entity: CommandDraft | EventDraft): void {
    const { arguments: reference, boxed } = entity;
    const type = reference && this.#references.resolve(reference, "'data'");
    if (!type) return;
    const { dialect } = this.#context;
    if (type.kind === 'alternate' && boxed && dialect.has('alternates as arguments')) return;
    if (type.kind !== 'object') {
      this.#unusable(reference, "'data'", 'a struct or union');
      return;
    }
    if (type.variants && !boxed && !dialect.has('unions as arguments')) {
      this.#context.report('union-not-boxed', { type: type.name }, reference.span);
    }
    if (dialect.has('conditional arguments')) return;
    this.#walk.visit(type);
    this.#context.enter(entity.expression);
    const argument = boxed ? undefined : this.#conditionalMember(type);
    if (!argument) return;
    const { name, span } = argument;
    const related = type.implicit ? [] : [{ message: `argument '${name}'`, span }];
    this.#context.report('conditional-argument', { name }, type.implicit ? span : reference.span, { related });
  }

  /** The first conditional member of an object type, its own or inherited. */
  #conditionalMember(object: ObjectDraft): MemberDraft | undefined {
    const chain: ObjectDraft[] = [];
    let found: MemberDraft | undefined;
    for (const type of withBases(object)) {
      if (this.#conditional.has(type)) {
        found = this.#conditional.get(type);
        break;
      }
      chain.push(type);
    }
    for (const type of chain.reverse()) {
      found ??= type.members.find(({ condition }) => condition);
      this.#conditional.set(type, found);
    }
    return found;
  }

  #returns({ name, returns }: CommandDraft): void {
    const type = returns && this.#references.resolve(returns, "'returns'");
    if (!type || this.#context.pragmas.commandReturnsExceptions.has(name)) return;
    const inArray = type.kind === 'array';
    const content = inArray ? type.element.target : type;
    if (!content || content.kind === 'object') return;
    const kind = describeKind(content) + (inArray ? ' in an array' : '');
    const usable = 'a struct or union, or an array of one';
    this.#context.report('unusable-type', { role: "'returns'", type: content.name, kind, usable }, returns.span);
  }

  #unusable(reference: TypeReference, role: string, usable: string): void {
    const { target } = reference;
    if (!target) return;
    const parameters = { role, type: target.name, kind: describeKind(target), usable };
    this.#context.report('unusable-type', parameters, reference.span);
  }

  #features(draft: Draft): void {
    this.#clash(draft.features, 'feature');
    if (draft.kind === 'command' || draft.kind === 'event') return;
    for (const { name, span } of draft.features) {
      const special =
        (name === 'deprecated' && this.#context.dialect.has("feature 'deprecated'")) ||
        (name === 'unstable' && this.#context.dialect.has("feature 'unstable'"));
      if (special) this.#context.report('feature-of-types', { name }, span);
    }
  }

  #clash(things: readonly (EnumMember | Feature)[], what: string): void {
    const clashes = clashesAmong(things);
    for (const [thing, earlier] of clashes) reportClash(thing, earlier, what, this.#context);
  }
}

/** A member in the words of a message; what an implicit type has as members is known to the author as something else. */
function memberRole(object: ObjectDraft, { name }: MemberDraft): string {
  if (object.name.endsWith('-arg')) return `argument '${name}'`;
  return object.wraps ? 'a branch' : `member '${name}'`;
}
