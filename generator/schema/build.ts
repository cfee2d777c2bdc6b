import type { SyntaxModule } from '../syntax/tree.js';
import type { SourceFile } from '../text/source-file.js';
import type { Drafts } from './define.js';
import type { BranchDraft, Draft, MemberDraft, ObjectDraft, TypeDraft, TypeReference } from './draft.js';
import type {
  AlternateBranch,
  Command,
  Definition,
  DefinitionBase,
  EnumType,
  Event,
  Member,
  Module,
  ObjectType,
  Schema,
  StructType,
  Type,
  UnionBranch,
  UnionType,
} from './model.js';

/** The name of the module that holds the built-in types. */
const builtinModuleName = './builtin';

/** Makes the model from drafts that passed all checks. */
export function build(drafts: Drafts, modules: readonly SyntaxModule[]): Schema {
  const membership = new Membership(modules);
  const models = new Map<Draft, Definition>();
  for (const draft of drafts.entities) models.set(draft, shell(draft, membership.moduleOf(draft)));
  const link = new Linker(models);
  const names = new Map<string, Definition>();
  for (const draft of drafts.entities) {
    const definition = models.get(draft) as Definition;
    link.fill(draft, definition);
    membership.join(definition);
    names.set(definition.name, definition);
  }
  return { modules: membership.modules, definitions: [...models.values()], lookup: (name) => names.get(name) };
}

type ModuleInTheMaking = Module & { readonly definitions: Definition[] };

/** Which module each entity belongs to. */
class Membership {
  readonly modules: readonly ModuleInTheMaking[];
  readonly #builtin: ModuleInTheMaking = { name: builtinModuleName, includes: [], definitions: [], docs: [] };
  readonly #byFile = new Map<SourceFile, ModuleInTheMaking>();

  constructor(modules: readonly SyntaxModule[]) {
    for (const { name, file, includes, docs } of modules) {
      this.#byFile.set(file, { name, file, includes, docs, definitions: [] });
    }
    this.modules = [this.#builtin, ...this.#byFile.values()];
  }

  /** An array belongs where its element does; other entities where the expression stands that caused them. */
  moduleOf(draft: Draft): Module {
    if (draft.kind === 'array') return this.moduleOf(resolved(draft.element));
    return (draft.expression && this.#byFile.get(draft.expression.value.span.file)) ?? this.#builtin;
  }

  join(definition: Definition): void {
    (definition.module as ModuleInTheMaking).definitions.push(definition);
  }
}

/** A model object whose references are still to be filled in: types may refer to each other in circles. */
function shell(draft: Draft, module: Module): Definition {
  const { name, features, implicit, doc, condition } = draft;
  const common: DefinitionBase = {
    name,
    module,
    features,
    implicit,
    ...(doc && { doc }),
    ...(draft.expression && { span: draft.expression.value.span }),
    ...(condition && { condition }),
  };
  switch (draft.kind) {
    case 'builtin':
      return { kind: 'builtin', ...common, json: draft.json, ...(draft.range && { range: draft.range }) };
    case 'enum': {
      const { prefix, members } = draft;
      return { kind: 'enum', ...common, ...(prefix !== undefined && { prefix }), members } satisfies EnumType;
    }
    case 'command': {
      const { boxed, gen, successResponse, allowOob, allowPreconfig, coroutine } = draft;
      const flags = { boxed, gen, successResponse, allowOob, allowPreconfig, coroutine };
      return { kind: 'command', ...common, ...flags } satisfies Command;
    }
    case 'event':
      return { kind: 'event', ...common, boxed: draft.boxed } satisfies Event;
    case 'object':
      return { kind: draft.variants ? 'union' : 'struct', ...common } as ObjectType;
    default:
      return { kind: draft.kind, ...common } as Type;
  }
}

/** What {@link Linker} may change of a model object. */
type Unfinished<T> = { -readonly [K in keyof T]: T[K] };

class Linker {
  readonly #models: ReadonlyMap<Draft, Definition>;
  readonly #members = new Map<MemberDraft, Member>();

  constructor(models: ReadonlyMap<Draft, Definition>) {
    this.#models = models;
  }

  fill(draft: Draft, model: Unfinished<Definition>): void {
    if (draft.kind === 'array' && model.kind === 'array') {
      model.element = this.#type(draft.element);
      const { condition } = resolved(draft.element);
      if (condition) model.condition = condition;
    } else if (draft.kind === 'alternate' && model.kind === 'alternate') {
      model.branches = draft.branches.map((branch) => this.#alternateBranch(branch));
    } else if (draft.kind === 'command' && model.kind === 'command') {
      if (draft.arguments) model.arguments = this.#type(draft.arguments) as ObjectType;
      if (draft.returns) model.returns = this.#type(draft.returns);
    } else if (draft.kind === 'event' && model.kind === 'event') {
      if (draft.arguments) model.arguments = this.#type(draft.arguments) as ObjectType;
    } else if (draft.kind === 'object' && (model.kind === 'struct' || model.kind === 'union')) {
      this.#fillObject(draft, model);
    }
  }

  #fillObject(draft: ObjectDraft, model: Unfinished<StructType> | Unfinished<UnionType>): void {
    const { base, variants, wraps } = draft;
    if (base) model.base = this.#type(base) as StructType;
    model.members = draft.members.map((member) => this.#member(member));
    const inherited = wraps && conditionOf(resolved(wraps));
    if (inherited) model.condition = inherited;
    if (!variants || model.kind !== 'union') return;
    if (!variants.tag) throw new TypeError(`union '${draft.name}' has no tag`);
    model.tag = this.#member(variants.tag);
    model.simple = variants.simple;
    model.branches = variants.branches.map((branch) => this.#unionBranch(branch));
  }

  /** A member's model; a union's tag is the very object that stands among the base's members. */
  #member(draft: MemberDraft): Member {
    let member = this.#members.get(draft);
    if (!member) {
      member = { ...draft, type: this.#type(draft.type) };
      this.#members.set(draft, member);
    }
    return member;
  }

  #unionBranch(draft: BranchDraft): UnionBranch {
    return { ...draft, type: this.#type(draft.type) as ObjectType };
  }

  #alternateBranch({ implicit: _, ...draft }: BranchDraft): AlternateBranch {
    return { ...draft, type: this.#type(draft.type) };
  }

  #type(reference: TypeReference): Type {
    return this.#models.get(resolved(reference)) as Type;
  }
}

function conditionOf(type: TypeDraft): TypeDraft['condition'] {
  return type.kind === 'array' ? resolved(type.element).condition : type.condition;
}

function resolved(reference: TypeReference): TypeDraft {
  if (!reference.target) throw new TypeError(`type '${reference.name}' is not resolved`);
  return reference.target;
}
