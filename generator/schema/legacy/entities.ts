import type { Expression } from '../../syntax/tree.js';
import { type Clashes, findClashes } from '../check/clashes.js';
import { ContainmentWalk } from '../check/containment.js';
import type { CheckContext } from '../check/context.js';
import { checkDescribed } from '../check/documentation.js';
import {
  clashesAmong,
  type Named,
  reportBranchClashes,
  reportClash,
  reportMemberClash,
} from '../check/report-clash.js';
import type { Drafts } from '../define.js';
import type { AlternateDraft, CommandDraft, Draft, EventDraft, ObjectDraft, TypeReference } from '../draft.js';
import { withBases } from '../inheritance.js';
import { type NameKind, reportNameFault, uppercaseFault } from '../names.js';
import { get } from '../read.js';

/**
 * Checks entities, implicit ones included, for what can be seen only when all members are together: the last step of releases
 * up to 4.1. Whether references mean anything has been checked before.
 */
export function checkLegacyEntities(drafts: Drafts, context: CheckContext): void {
  const checker = new LegacyEntityChecker(drafts, context);
  for (const draft of drafts.entities) checker.check(draft);
}

class LegacyEntityChecker {
  readonly #context: CheckContext;
  /** Absent where clashes are looked for in the second pass. */
  readonly #clashes: Clashes | undefined;
  readonly #walk: ContainmentWalk;
  /** What expressions define, without the implicit types that they cause. */
  readonly #definitions: ReadonlyMap<Expression | undefined, Draft>;
  readonly #alternates = new Set<AlternateDraft>();
  readonly #described = new Set<Draft>();

  constructor(drafts: Drafts, context: CheckContext) {
    this.#context = context;
    const objects = drafts.entities.filter((draft) => draft.kind === 'object');
    this.#clashes = context.dialect.has('clashes of constants') ? undefined : findClashes(objects);
    this.#walk = new ContainmentWalk(context, (object) => this.#object(object));
    const definitions = drafts.entities.filter((draft) => !draft.implicit);
    this.#definitions = new Map(definitions.map((draft) => [draft.expression, draft]));
  }

  check(draft: Draft): void {
    this.#context.enter(draft.expression);
    switch (draft.kind) {
      case 'object':
        this.#walk.visit(draft);
        break;
      case 'enum':
        // The values of an implicit enum are the names of a simple union's branches.
        this.#names(draft.members, draft.implicit ? 'branch' : 'enum value', draft.name);
        break;
      case 'alternate':
        this.#alternate(draft);
        break;
      case 'command':
      case 'event':
        this.#arguments(draft);
        break;
    }
  }

  /** Checks what a definition's documentation describes, as soon as its own members are known: those of an inline object come before it. */
  #documentation(type: ObjectDraft | AlternateDraft): void {
    const inline = type.kind === 'object' && type.implicit && !type.wraps;
    const definition = inline ? this.#definitions.get(type.expression) : type;
    if (!definition?.doc || this.#described.has(definition) || this.#context.isFaulty(definition.expression)) return;
    this.#described.add(definition);
    this.#context.enter(definition.expression);
    checkDescribed(definition, this.#context);
  }

  /** Checks an object type. Yields what it contains, and waits until that is checked. */
  *#object(object: ObjectDraft): Generator<TypeReference, void> {
    const { base, members, variants } = object;
    if (base?.target?.kind === 'object' && !base.target.variants) yield base;
    const kind = object.name.endsWith('-arg') ? 'argument' : 'member';
    for (const member of members) {
      this.#uppercase(member, kind, object.name);
      if (this.#clashes) reportMemberClash(member, this.#clashes, this.#context);
    }
    if (variants) {
      for (const { type } of variants.branches) if (type.target?.kind === 'object') yield type;
      if (this.#clashes) reportBranchClashes(object, variants, this.#clashes, this.#context);
    }
    this.#names(object.features, 'feature', object.name);
    this.#documentation(object);
  }

  #alternate(alternate: AlternateDraft): void {
    if (this.#alternates.has(alternate)) return;
    this.#alternates.add(alternate);
    this.#context.enter(alternate.expression);
    this.#names(alternate.branches, 'branch', alternate.name);
    this.#documentation(alternate);
  }

  /** Looks for uppercase, and for clashes, among things that have names of their own. */
  #names(things: readonly Named[], kind: NameKind, owner: string): void {
    const clashes = clashesAmong(things);
    for (const thing of things) {
      this.#uppercase(thing, kind, owner);
      if (this.#clashes) reportClash(thing, clashes.get(thing), kind, this.#context);
    }
  }

  #uppercase({ name, span }: Named, kind: NameKind, owner: string): void {
    if (!this.#context.dialect.has('uppercase checked with clashes')) return;
    reportNameFault(this.#context, uppercaseFault(name, kind, this.#context, owner), span);
  }

  #arguments({ arguments: reference, boxed, expression }: CommandDraft | EventDraft): void {
    const type = reference?.target;
    if (type?.kind === 'object') this.#walk.visit(type);
    else if (type?.kind === 'alternate') this.#alternate(type);
    if (!boxed) return;
    this.#context.enter(expression);
    const flag = expression && get(expression.value, 'boxed');
    if (!reference) {
      if (flag) this.#context.report('boxed-without-data', {}, flag.span);
    } else if (
      type?.kind === 'object' &&
      !type.variants &&
      [...withBases(type)].every(({ members }) => members.length === 0)
    ) {
      this.#context.report('boxed-empty', { type: reference.name }, reference.span);
    }
  }
}
