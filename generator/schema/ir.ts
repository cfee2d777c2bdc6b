import type {
  AlternateBranch,
  Conditional,
  Definition,
  EnumMember,
  Feature,
  Member,
  Schema,
  UnionBranch,
} from './model.js';

/** An entity of {@link Ir}: its `kind`, its `name` and what belongs to its kind. */
export type IrEntity = { kind: string; name: string } & Record<string, unknown>;

/** The model as JSON: what `qapi-ts ir` prints. */
export interface Ir {
  modules: { name: string; includes: string[]; entities: IrEntity[] }[];
  docs: { symbol: string | null; arguments: string[]; features: string[]; sections: (string | null)[] }[];
}

/**
 * Writes a checked schema as JSON, for tools and for comparison with other readers of the language: modules in the order in which
 * the reference visits them, entities in order of definition. Built-in scalars and their arrays go without saying.
 */
export function modelAsJson(schema: Schema): Ir {
  return {
    modules: schema.modules.map((module) => ({
      name: module.name,
      includes: [...module.includes],
      entities: module.definitions.flatMap((definition) => entity(definition) ?? []),
    })),
    docs: schema.modules
      .flatMap((module) => module.docs)
      .map((doc) => ({
        symbol: doc.symbol?.name ?? null,
        arguments: doc.arguments.map((argument) => argument.name),
        features: doc.features.map((feature) => feature.name),
        sections: doc.sections.map((section) => section.tag ?? null),
      })),
  };
}

function entity(definition: Definition): IrEntity | undefined {
  const { name } = definition;
  const rest = withConditionAndFeatures(definition);
  switch (definition.kind) {
    case 'builtin':
      return undefined;
    case 'enum': {
      const prefix = definition.prefix === undefined ? {} : { prefix: definition.prefix };
      return { kind: 'enum', name, ...prefix, members: definition.members.map(enumMember), ...rest };
    }
    case 'array':
      return definition.span && { kind: 'array', name, element: definition.element.name, ...rest };
    case 'struct':
    case 'union': {
      const base = definition.base ? { base: definition.base.name } : {};
      const variants =
        definition.kind === 'union' ? { tag: definition.tag.name, branches: definition.branches.map(branch) } : {};
      return { kind: 'object', name, ...base, members: definition.members.map(member), ...variants, ...rest };
    }
    case 'alternate':
      return { kind: 'alternate', name, branches: definition.branches.map(branch), ...rest };
    case 'command': {
      const { gen, successResponse, boxed, allowOob, allowPreconfig, coroutine } = definition;
      const types = { arguments: definition.arguments?.name ?? null, returns: definition.returns?.name ?? null };
      return {
        kind: 'command',
        name,
        ...types,
        gen,
        successResponse,
        boxed,
        allowOob,
        allowPreconfig,
        coroutine,
        ...rest,
      };
    }
    case 'event':
      return { kind: 'event', name, arguments: definition.arguments?.name ?? null, boxed: definition.boxed, ...rest };
  }
}

function enumMember(value: EnumMember): Record<string, unknown> {
  return { name: value.name, ...withConditionAndFeatures(value) };
}

function member(value: Member): Record<string, unknown> {
  const { name, type, optional } = value;
  return { name, type: type.name, optional, ...withConditionAndFeatures(value) };
}

function branch(value: UnionBranch | AlternateBranch): Record<string, unknown> {
  return { name: value.name, type: value.type.name, ...withConditionAndFeatures({ ...value, features: [] }) };
}

function withConditionAndFeatures(
  value: Conditional & { readonly features: readonly Feature[] },
): Record<string, unknown> {
  const features = value.features.map((feature) => ({ name: feature.name, ...condition(feature) }));
  return { ...condition(value), ...(features.length > 0 && { features }) };
}

function condition(value: Conditional): Record<string, unknown> {
  return value.condition ? { if: value.condition.source } : {};
}
