import type { Span } from '../text/source-file.js';
import type {
  AlternateType,
  Command,
  Conditional,
  Definition,
  EnumMember,
  Event,
  Feature,
  Member,
  Module,
  Schema,
  StructType,
  Type,
  UnionType,
} from './model.js';
import { type Printable, printExpression } from './print-expression.js';

type Pairs = { [key: string]: Printable };

/**
 * Prints a checked schema as QAPI text, one text per module, by module name. Reading the texts back gives the same model.
 * Documentation is kept word for word; plain comments and pragmas are not part of the model and are lost.
 */
export function printSchema(schema: Schema): Map<string, string> {
  const order = new Map(schema.definitions.map((definition, index) => [definition, index]));
  const firsts = firstDefinitions(schema, order);
  const texts = new Map<string, string>();
  for (const module of schema.modules) {
    if (module.file) texts.set(module.name, printModule(module, order, firsts));
  }
  return texts;
}

/** The place of each module's first definition among all, its includes counted with it: where its include directive had effect. */
function firstDefinitions(schema: Schema, order: ReadonlyMap<Definition, number>): ReadonlyMap<string, number> {
  const firsts = new Map<string, number>();
  // A module comes after the one that includes it first, so that walking backwards meets the included ones first.
  for (const module of [...schema.modules].reverse()) {
    const own = module.definitions.filter(isWritten).map((definition) => order.get(definition) ?? 0);
    const included = module.includes.flatMap((name) => firsts.get(name) ?? []);
    const all = [...own, ...included];
    if (all.length > 0) firsts.set(module.name, Math.min(...all));
  }
  return firsts;
}

function printModule(
  module: Module,
  order: ReadonlyMap<Definition, number>,
  firsts: ReadonlyMap<string, number>,
): string {
  const parts: string[] = [];
  const includes = [...module.includes];
  for (const { definition, text } of itemsInOrder(module)) {
    if (definition) {
      const place = order.get(definition) ?? 0;
      const due = includes.findLastIndex((name) => (firsts.get(name) ?? Number.POSITIVE_INFINITY) < place) + 1;
      parts.push(...includes.splice(0, due).map((name) => printInclude(name, module.name)));
    }
    parts.push(text);
  }
  parts.push(...includes.map((name) => printInclude(name, module.name)));
  return `${parts.join('\n\n')}\n`;
}

/** What the module says, in order: free-form documentation, and definitions with their own. */
function itemsInOrder(module: Module): { definition?: Definition; text: string }[] {
  const items: { start: number; definition?: Definition; text: string }[] = [];
  const attached = new Set(module.definitions.map((definition) => definition.doc));
  for (const doc of module.docs) {
    if (!attached.has(doc)) items.push({ start: doc.span.start, text: sourceText(doc.span) });
  }
  for (const definition of module.definitions.filter(isWritten)) {
    const text = printExpression(pairsOf(definition));
    items.push({
      start: definition.span?.start ?? 0,
      definition,
      text: definition.doc ? `${sourceText(definition.doc.span)}\n${text}` : text,
    });
  }
  return items.sort((a, b) => a.start - b.start);
}

function sourceText(span: Span): string {
  return span.file.text.slice(span.start, span.end).trimEnd();
}

/** An include directive names a path relative to the includer, a module's name is relative to the root. */
function printInclude(name: string, includer: string): string {
  const from = includer.split('/').slice(0, -1);
  const to = name.split('/');
  while (from.length > 0 && to.length > 1 && from[0] === to[0]) {
    from.shift();
    to.shift();
  }
  return printExpression({ include: [...from.map(() => '..'), ...to].join('/') });
}

function isWritten(definition: Definition): boolean {
  return !definition.implicit;
}

function pairsOf(definition: Definition): Pairs {
  switch (definition.kind) {
    case 'enum':
      return {
        enum: definition.name,
        ...(definition.prefix !== undefined && { prefix: definition.prefix }),
        data: definition.members.map(enumValue),
        ...common(definition),
      };
    case 'struct':
      return {
        struct: definition.name,
        ...(definition.base && { base: definition.base.name }),
        data: memberPairs(definition),
        ...common(definition),
      };
    case 'union':
      return { union: definition.name, ...unionPairs(definition), ...common(definition) };
    case 'alternate':
      return { alternate: definition.name, data: branchPairs(definition.branches), ...common(definition) };
    case 'command':
      return { command: definition.name, ...commandPairs(definition), ...common(definition) };
    case 'event':
      return { event: definition.name, ...argumentPairs(definition), ...common(definition) };
    case 'array':
    case 'builtin':
      throw new TypeError(`${definition.name} is not written in a schema`);
  }
}

function unionPairs(union: UnionType): Pairs {
  const written = union.branches.filter((branch) => !branch.implicit);
  if (union.simple) {
    return { data: branchPairs(written.map((branch) => ({ ...branch, type: wrappedType(branch.type) }))) };
  }
  const { base } = union;
  return {
    base: base === undefined ? {} : typeOrMembers(base),
    discriminator: union.tag.name,
    data: branchPairs(written),
  };
}

/** The branch type that the schema wrote, from the wrapper that the language made of it. */
function wrappedType(wrapper: UnionType['branches'][number]['type']): Type {
  return wrapper.members[0]?.type ?? wrapper;
}

function commandPairs(command: Command): Pairs {
  return {
    ...argumentPairs(command),
    ...(command.returns && { returns: typeReference(command.returns) }),
    ...(!command.gen && { gen: false }),
    ...(!command.successResponse && { 'success-response': false }),
    ...(command.allowOob && { 'allow-oob': true }),
    ...(command.allowPreconfig && { 'allow-preconfig': true }),
    ...(command.coroutine && { coroutine: true }),
  };
}

function argumentPairs(entity: Command | Event): Pairs {
  return {
    ...(entity.arguments && { data: typeOrMembers(entity.arguments) }),
    ...(entity.boxed && { boxed: true }),
  };
}

/** A type by its name, or an implicit object by its members, as it was written inline. */
function typeOrMembers(type: StructType | UnionType | AlternateType): Printable {
  return type.implicit && type.kind === 'struct' ? memberPairs(type) : type.name;
}

function memberPairs(struct: StructType): Map<string, Printable> {
  return new Map(struct.members.map((member) => [(member.optional ? '*' : '') + member.name, memberValue(member)]));
}

function branchPairs(branches: readonly (Conditional & { name: string; type: Type })[]): Map<string, Printable> {
  return new Map(branches.map((branch) => [branch.name, memberValue(branch)]));
}

function memberValue(member: Conditional & Pick<Member, 'type'> & Partial<Member>): Printable {
  const type = typeReference(member.type);
  const rest = common({ ...member, features: member.features ?? [] });
  return Object.keys(rest).length === 0 ? type : { type, ...rest };
}

function enumValue(member: EnumMember): Printable {
  const rest = common(member);
  return Object.keys(rest).length === 0 ? member.name : { name: member.name, ...rest };
}

function typeReference(type: Type): Printable {
  return type.kind === 'array' ? [typeReference(type.element)] : type.name;
}

/** The keys that every definition, member and enum value may have. */
function common(entity: Conditional & { readonly features: readonly Feature[] }): Pairs {
  return {
    ...(entity.condition && { if: entity.condition.source as Printable }),
    ...(entity.features.length > 0 && {
      features: entity.features.map((feature) =>
        feature.condition ? { name: feature.name, if: feature.condition.source as Printable } : feature.name,
      ),
    }),
  };
}
