import { type Defines, evaluate } from './condition.js';
import type {
  Conditional,
  Definition,
  Feature,
  Member,
  Module,
  ObjectType,
  Schema,
  StructType,
  Type,
  UnionBranch,
  UnionType,
} from './model.js';

/** Which configuration a schema is wanted for. */
export interface Selection {
  /** The symbols known to be on or off. */
  readonly defines: Defines;
  /** Whether all other symbols are off. By default what depends on them stays, with its condition. */
  readonly onlyDefined?: boolean;
  /** The only commands that are wanted. Default: all. */
  readonly commands?: ReadonlySet<string>;
}

/**
 * Makes the schema of a configuration: what cannot exist in it is left out, and conditions that hold in it are dropped.
 * A type that does not exist but is used by something that does stays: leaving it out would leave a hole.
 */
export function selectSchema(schema: Schema, selection: Selection): Schema {
  const selector = new Selector(selection);
  const kept = reachable(schema, selector);
  const modules = new Map(
    schema.modules.map((module) => [module, { ...module, definitions: [] as Definition[] }] as const),
  );
  const definitions: Definition[] = [];
  for (const definition of schema.definitions) {
    if (kept.has(definition)) definitions.push(selector.shell(definition, modules.get(definition.module)));
  }
  for (const definition of schema.definitions) if (kept.has(definition)) selector.fill(definition);
  for (const [old, module] of modules) {
    for (const definition of old.definitions) {
      if (kept.has(definition)) module.definitions.push(selector.selected(definition));
    }
  }
  const names = new Map(definitions.map((definition) => [definition.name, definition]));
  return { modules: [...modules.values()], definitions, lookup: (name) => names.get(name) };
}

/** The definitions that exist, and those that they use. */
function reachable(schema: Schema, selector: Selector): ReadonlySet<Definition> {
  const kept = new Set(
    schema.definitions.filter((definition) => selector.exists(definition) && selector.wants(definition)),
  );
  for (const definition of kept) for (const type of selector.typesIn(definition)) kept.add(type);
  return kept;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

class Selector {
  readonly #selection: Selection;
  readonly #definitions = new Map<Definition, Definition>();
  readonly #members = new Map<Member, Member>();

  constructor(selection: Selection) {
    this.#selection = selection;
  }

  /** Whether something exists in the configuration, or may. */
  exists(thing: Conditional): boolean {
    return this.#holds(thing) !== false;
  }

  /** Whether a definition is no command, or one of those that are wanted. */
  wants({ kind, name }: Definition): boolean {
    const { commands } = this.#selection;
    return kind !== 'command' || commands === undefined || commands.has(name);
  }

  /** The types that a definition names, in its parts that exist. */
  *typesIn(definition: Definition): Generator<Type> {
    switch (definition.kind) {
      case 'array':
        yield definition.element;
        break;
      case 'struct':
      case 'union':
        if (definition.base) yield definition.base;
        for (const { type } of this.#existing(definition.members)) yield type;
        if (definition.kind === 'union') for (const { type } of this.#branches(definition)) yield type;
        break;
      case 'alternate':
        for (const { type } of this.#existing(definition.branches)) yield type;
        break;
      case 'command':
        if (definition.arguments) yield definition.arguments;
        if (definition.returns) yield definition.returns;
        break;
      case 'event':
        if (definition.arguments) yield definition.arguments;
        break;
    }
  }

  /** A copy of a definition for the new schema, whose references still lead into the old one. */
  shell(definition: Definition, module: Module | undefined): Definition {
    const copy: Definition = {
      ...this.#decided(definition),
      module: module ?? definition.module,
      features: this.#features(definition.features),
    };
    this.#definitions.set(definition, copy);
    return copy;
  }

  /** Leads the references of a copy into the new schema. */
  fill(definition: Definition): void {
    const copy: Mutable<Definition> = this.selected(definition);
    switch (copy.kind) {
      case 'enum':
        copy.members = this.#existing(copy.members).map((member) => ({
          ...this.#decided(member),
          features: this.#features(member.features),
        }));
        break;
      case 'array':
        copy.element = this.selected(copy.element);
        break;
      case 'struct':
        this.#fillObject(copy);
        break;
      case 'union':
        copy.branches = this.#branches(copy).map((branch) => this.#retyped(branch));
        this.#fillObject(copy);
        copy.tag = this.#member(copy.tag);
        break;
      case 'alternate':
        copy.branches = this.#existing(copy.branches).map((branch) => this.#retyped(branch));
        break;
      case 'command':
        if (copy.arguments) copy.arguments = this.selected(copy.arguments);
        if (copy.returns) copy.returns = this.selected(copy.returns);
        break;
      case 'event':
        if (copy.arguments) copy.arguments = this.selected(copy.arguments);
        break;
    }
  }

  /** The new schema's version of a definition. */
  selected<D extends Definition>(definition: D): D {
    return (this.#definitions.get(definition) ?? definition) as D;
  }

  #fillObject(copy: Mutable<StructType> | Mutable<UnionType>): void {
    if (copy.base) copy.base = this.selected(copy.base);
    copy.members = this.#existing(copy.members).map((member) => this.#member(member));
  }

  #member(member: Member): Member {
    let copy = this.#members.get(member);
    if (!copy) {
      copy = { ...this.#retyped(member), features: this.#features(member.features) };
      this.#members.set(member, copy);
    }
    return copy;
  }

  /** The branches of values that exist. */
  #branches({ tag, branches }: UnionType): UnionBranch[] {
    const values = tag.type.kind === 'enum' ? this.#existing(tag.type.members) : [];
    const names = new Set(values.map((value) => value.name));
    return this.#existing(branches).filter((branch) => names.has(branch.name));
  }

  #retyped<T extends Conditional & { readonly type: Type | ObjectType }>(part: T): T {
    return { ...this.#decided(part), type: this.selected(part.type) };
  }

  #features(features: readonly Feature[]): Feature[] {
    return this.#existing(features).map((feature) => this.#decided(feature));
  }

  #existing<T extends Conditional>(things: readonly T[]): T[] {
    return things.filter((thing) => this.exists(thing));
  }

  /** A copy without a condition that is known to hold. */
  #decided<T extends Conditional>(thing: T): T {
    if (!thing.condition || this.#holds(thing) === undefined) return { ...thing };
    const { condition: _, ...rest } = thing;
    return rest as T;
  }

  #holds({ condition }: Conditional): boolean | undefined {
    if (!condition) return true;
    const { defines, onlyDefined } = this.#selection;
    return evaluate(condition.value, defines, onlyDefined ? false : undefined);
  }
}
