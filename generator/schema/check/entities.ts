import type { Span } from '../../text/source-file.js';
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
import { cName } from '../names.js';
import { withBases } from '../variants.js';
import { checkDistinction } from './alternates.js';
import { type Clashes, findClashes } from './clashes.js';
import type { CheckContext } from './context.js';
import { describeKind } from './describe.js';
import { References } from './references.js';
import { checkVariants, reportBranchClashes } from './unions.js';

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

/** An object type whose check waits for that of a type which it contains. */
interface Waiting {
  readonly object: ObjectDraft;
  readonly steps: Generator<TypeReference, void>;
  /** Where it names the type that it waits for. */
  reference?: TypeReference;
}

class EntityChecker {
  readonly #context: CheckContext;
  readonly #references: References;
  readonly #clashes: Clashes;
  readonly #started = new Set<ObjectDraft>();

  constructor(drafts: Drafts, context: CheckContext) {
    this.#context = context;
    this.#references = new References(drafts, context);
    this.#clashes = findClashes(drafts.entities.filter((draft) => draft.kind === 'object'));
  }

  check(draft: Draft): void {
    if (draft.kind === 'builtin') return;
    if (draft.kind === 'object') {
      this.#checkWithParts(draft);
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

  /** Checks an object type, and the types that it contains when their turn comes. A stack of our own: chains may be long. */
  #checkWithParts(root: ObjectDraft): void {
    const stack: Waiting[] = [];
    const waiting = new Map<ObjectDraft, Waiting>();
    const start = (object: ObjectDraft) => {
      if (this.#started.has(object)) return;
      this.#started.add(object);
      const check: Waiting = { object, steps: this.#object(object) };
      waiting.set(object, check);
      stack.push(check);
    };
    start(root);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      this.#context.enter(top.object.expression);
      const { done, value: reference } = top.steps.next();
      if (done) {
        stack.pop();
        waiting.delete(top.object);
        continue;
      }
      top.reference = reference;
      const part = reference.target;
      if (part?.kind !== 'object') continue;
      const again = waiting.get(part);
      if (again?.reference) this.#reportCircle(part, again.reference);
      else start(part);
    }
  }

  #reportCircle(object: ObjectDraft, reference: TypeReference): void {
    this.#context.enter(object.expression);
    this.#context.report('contains-itself', { name: object.name }, reference.span);
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
      this.#memberClash(member);
    }
    if (!variants) return;
    yield* checkVariants(object, variants, this.#context, this.#references);
    reportBranchClashes(object, variants, this.#clashes, this.#context);
  }

  #memberClash(member: MemberDraft): void {
    const clash = this.#clashes.members.get(member);
    if (!clash) return;
    const { earlier, later } = clash;
    const from = earlier.owner === later.owner ? '' : ` of '${earlier.owner.name}'`;
    const what = `member '${member.name}'`;
    const related = [{ message: `member '${earlier.member.name}'`, span: earlier.member.span }];
    this.#context.report('member-clash', { what, earlier: `member '${earlier.member.name}'${from}` }, member.span, {
      related,
    });
  }

  #array({ element }: ArrayDraft): void {
    const role = 'the element of an array';
    const target = this.#references.resolve(element, role);
    if (target?.kind === 'array') this.#unusable(element, role, 'a type that is no array');
  }

  #alternate(alternate: AlternateDraft): void {
    for (const { name, type } of alternate.branches) this.#references.resolve(type, `branch '${name}'`);
    const clashes = clashesAmong(alternate.branches);
    checkDistinction(alternate, this.#context, (branch) => this.#reportClash(branch, clashes, 'branch'));
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
    if (boxed) return;
    if (type.variants && !dialect.has('unions as arguments')) {
      this.#context.report('union-not-boxed', { type: type.name }, reference.span);
    }
    if (dialect.has('conditional arguments')) return;
    for (const { members } of withBases(type)) {
      for (const { name, condition, span } of members) {
        if (!condition) continue;
        const place = type.implicit ? span : reference.span;
        this.#context.report('conditional-argument', { name }, place, {
          related: type.implicit ? [] : [{ message: `argument '${name}'`, span }],
        });
      }
    }
  }

  #returns({ name, returns }: CommandDraft): void {
    const type = returns && this.#references.resolve(returns, "'returns'");
    if (!type || this.#context.pragmas.commandReturnsExceptions.has(name)) return;
    const content = type.kind === 'array' ? type.element.target : type;
    if (content && content.kind !== 'object')
      this.#unusable(returns, "'returns'", 'a struct or union, or an array of one');
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

  #clash(things: readonly Named[], what: string): void {
    const clashes = clashesAmong(things);
    for (const thing of clashes.keys()) this.#reportClash(thing, clashes, what);
  }

  #reportClash(thing: Named, clashes: ReadonlyMap<Named, Named>, what: string): void {
    const earlier = clashes.get(thing);
    if (!earlier) return;
    const related = [{ message: `${what} '${earlier.name}'`, span: earlier.span }];
    const parameters = { what: `${what} '${thing.name}'`, earlier: `${what} '${earlier.name}'` };
    this.#context.report('member-clash', parameters, thing.span, { related });
  }
}

type Named = { readonly name: string; readonly span: Span };

/** The things whose C name an earlier one has, with that one. */
function clashesAmong<T extends Named>(things: readonly T[]): Map<T, T> {
  const seen = new Map<string, T>();
  const clashes = new Map<T, T>();
  for (const thing of things) {
    const key = cName(thing.name);
    const earlier = seen.get(key);
    if (earlier) clashes.set(thing, earlier);
    else seen.set(key, thing);
  }
  return clashes;
}

/** A member in the words of a message; what an implicit type has as members is known to the author as something else. */
function memberRole(object: ObjectDraft, { name }: MemberDraft): string {
  if (object.name.endsWith('-arg')) return `argument '${name}'`;
  return object.wraps ? 'a branch' : `member '${name}'`;
}
