import type { SchemaInfo, SchemaInfoMember } from './introspect.js';
import { type InfoIndex, indexTypes, nameTypes, type TypeOrigin } from './introspected-names.js';
import { branchNames } from './manual/branch-names.js';
import { manualComment } from './manual/comment.js';
import { nameByManual } from './manual/join.js';
import type { ManualDefinition, ManualPage } from './manual/page.js';
import { type Printable, printExpression } from './print-expression.js';

/**
 * Writes the QAPI schema that a running program's `query-qmp-schema` describes, as far as it tells: integers have no width there,
 * types no names, conditions are decided and there is no documentation. Types get names after where they are used.
 *
 * @param source what the data came from, for the documentation of the schema
 * @param page a manual page of the program, which has the names of types and the documentation
 */
export function schemaFromIntrospection(infos: readonly SchemaInfo[], source: string, page?: ManualPage): string {
  return new Writer(page ? nameByManual(infos, page) : infos, page).write(source);
}

type Info<M extends SchemaInfo['meta-type']> = Extract<SchemaInfo, { 'meta-type': M }>;

class Writer {
  readonly #infos: readonly SchemaInfo[];
  readonly #page: ManualPage | undefined;
  readonly #index: InfoIndex;
  readonly #names: ReadonlyMap<string, TypeOrigin>;
  /** The types of members, elements and alternatives. */
  readonly #held: ReadonlySet<string>;
  /** How often each type is used: an object used once, as arguments, is written where it is used. */
  readonly #uses = new Map<string, number>();

  constructor(infos: readonly SchemaInfo[], page: ManualPage | undefined) {
    this.#infos = infos;
    this.#page = page;
    this.#index = indexTypes(infos);
    this.#names = nameTypes(infos, this.#index);
    this.#held = new Set(infos.flatMap(heldTypes));
    for (const info of infos)
      for (const type of referencesOf(info)) this.#uses.set(type, (this.#uses.get(type) ?? 0) + 1);
  }

  write(source: string): string {
    const parts: string[] = [];
    for (const info of this.#infos) {
      const expression = this.#expression(info);
      if (!expression) continue;
      const [name] = Object.values(expression) as [string];
      parts.push(`${this.#comment(name, info, source)}\n${printExpression(expression)}`);
    }
    const about = comment([`This schema was made from the introspection data of ${source}.`]);
    return `${[about, printExpression({ pragma: this.#pragmas() }), ...parts].join('\n\n')}\n`;
  }

  #comment(name: string, info: SchemaInfo, source: string): string {
    const features = this.#featuresWithin(info);
    const described = this.#page?.definitions.get(name);
    if (this.#page && described && kindOf(described.kind) === info['meta-type']) {
      const parts = this.#partsWithin(name, info);
      return manualComment(name, this.#page, described, { parts, features, featureText });
    }
    const origin = this.#names.get(info.name)?.description ?? `Known from the introspection of ${source}.`;
    return documentation(name, origin, features);
  }

  /** The members, values, branches or arguments that are written in a definition. */
  #partsWithin(name: string, info: SchemaInfo): readonly string[] {
    if (info['meta-type'] === 'alternate') return [...this.#branches(name, info).keys()];
    return partsOf(this.#inlineArguments(info) ?? info);
  }

  /** The arguments that are written where a command or event is. */
  #inlineArguments(info: SchemaInfo): SchemaInfo | undefined {
    return 'arg-type' in info && this.#isInline(info['arg-type']) ? this.#index.get(info['arg-type']) : undefined;
  }

  /** Excepts what the rules of names and documentation would not allow. */
  #pragmas(): { readonly [key: string]: Printable } {
    const definitions = this.#infos.filter((info) => this.#expression(info));
    const named = (infos: readonly SchemaInfo[]): string[] =>
      infos.map(({ name }) => this.#names.get(name)?.name ?? name);
    const commands = definitions.filter((info) => info['meta-type'] === 'command');
    const pragmas = {
      'command-returns-exceptions': this.#commandsReturningNoObject(),
      'command-name-exceptions': named(commands.filter(({ name }) => name.includes('_'))),
      'member-name-exceptions': named(definitions.filter((info) => !partsOf(info).every(isInStyle))),
      'documentation-exceptions': named(definitions.filter((info) => this.#hasParts(info))),
    };
    return Object.fromEntries(Object.entries(pragmas).filter(([, names]) => names.length > 0));
  }

  /** Whether a definition has members, values, branches or arguments of its own, which documentation is to describe. */
  #hasParts(info: SchemaInfo): boolean {
    if (info['meta-type'] === 'alternate') return true;
    if (info['meta-type'] !== 'command' && info['meta-type'] !== 'event') return partsOf(info).length > 0;
    return this.#isInline(info['arg-type']);
  }

  #commandsReturningNoObject(): string[] {
    return this.#infos.flatMap((info) => {
      if (info['meta-type'] !== 'command') return [];
      const result = this.#index.get(info['ret-type']);
      const element = result?.['meta-type'] === 'array' ? this.#index.get(result['element-type']) : result;
      return element?.['meta-type'] === 'object' ? [] : [info.name];
    });
  }

  #expression(info: SchemaInfo): { readonly [key: string]: Printable } | undefined {
    switch (info['meta-type']) {
      case 'builtin':
      case 'array':
        return undefined;
      case 'command':
        return {
          command: info.name,
          ...this.#arguments(info['arg-type']),
          ...(!this.#isEmpty(info['ret-type']) && { returns: this.#reference(info['ret-type']) }),
          ...(info['allow-oob'] && { 'allow-oob': true }),
          ...features(info),
        };
      case 'event':
        return { event: info.name, ...this.#arguments(info['arg-type']), ...features(info) };
      default:
        return this.#type(info);
    }
  }

  #type(info: Info<'enum' | 'object' | 'alternate'>): { readonly [key: string]: Printable } | undefined {
    const name = this.#names.get(info.name)?.name;
    if (name === undefined || this.#isEmpty(info.name) || this.#isInline(info.name)) return undefined;
    switch (info['meta-type']) {
      case 'enum': {
        const values: readonly { name: string; features?: string[] }[] =
          info.members ?? info.values.map((name) => ({ name }));
        const data = values.map((value) => (value.features ? { name: value.name, ...features(value) } : value.name));
        return { enum: name, data, ...features(info) };
      }
      case 'alternate':
        return { alternate: name, data: this.#branches(name, info), ...features(info) };
      case 'object': {
        if (info.tag === undefined) return { struct: name, data: this.#members(info.members), ...features(info) };
        const branches = (info.variants ?? []).filter((variant) => !this.#isEmpty(variant.type));
        const data = new Map(branches.map((variant) => [variant.case, this.#reference(variant.type)]));
        return { union: name, base: this.#members(info.members), discriminator: info.tag, data, ...features(info) };
      }
    }
  }

  /** The branches of an alternate, whose names only a manual page tells. */
  #branches(name: string, info: Info<'alternate'>): Map<string, Printable> {
    const types = info.members.map(({ type }) => this.#reference(type));
    const names = branchNames(this.#page?.definitions.get(name), types);
    return new Map(types.map((type, number) => [names[number] ?? `branch${number}`, type]));
  }

  #arguments(type: string): { readonly [key: string]: Printable } {
    const info = this.#index.get(type);
    if (!info || this.#isEmpty(type)) return {};
    if (info['meta-type'] === 'object' && this.#isInline(type)) return { data: this.#members(info.members) };
    return { data: this.#reference(type), boxed: true };
  }

  /** The features of a definition and of the members that are written in it. */
  #featuresWithin(info: SchemaInfo): Set<string> {
    const members = [info, this.#inlineArguments(info)].flatMap(
      (holder): readonly { readonly features?: readonly string[] }[] =>
        holder?.['meta-type'] === 'object' || holder?.['meta-type'] === 'enum' ? (holder.members ?? []) : [],
    );
    return new Set([info, ...members].flatMap((entity) => entity.features ?? []));
  }

  #members(members: readonly SchemaInfoMember[]): Map<string, Printable> {
    return new Map(
      members.map((member) => {
        const type = this.#reference(member.type);
        const value = member.features ? { type, ...features(member) } : type;
        return [('default' in member ? '*' : '') + member.name, value];
      }),
    );
  }

  #reference(type: string): Printable {
    const info = this.#index.get(type);
    if (info?.['meta-type'] === 'array') return [this.#reference(info['element-type'])];
    return this.#names.get(type)?.name ?? type;
  }

  /** Whether it is the object without members that stands for "no arguments" and "no result". */
  #isEmpty(type: string): boolean {
    const info = this.#index.get(type);
    if (info?.['meta-type'] !== 'object' || info.members.length > 0 || info.tag !== undefined) return false;
    return !info.features && !this.#held.has(type);
  }

  #isInline(type: string): boolean {
    const info = this.#index.get(type);
    const origin = this.#names.get(type)?.description.startsWith('Arguments of ');
    if (info?.['meta-type'] !== 'object' || info.tag !== undefined || info.features || origin !== true) return false;
    // Only the members of a type with a name can be excepted from the rules of names.
    return this.#uses.get(type) === 1 && info.members.length > 0 && partsOf(info).every(isInStyle);
  }
}

function referencesOf(info: SchemaInfo): readonly string[] {
  switch (info['meta-type']) {
    case 'command':
      return [info['arg-type'], info['ret-type']];
    case 'event':
      return [info['arg-type']];
    case 'object':
      return [...heldTypes(info), ...(info.variants ?? []).map(({ type }) => type)];
    default:
      return heldTypes(info);
  }
}

/** The types whose values a type's values hold. */
function heldTypes(info: SchemaInfo): readonly string[] {
  if (info['meta-type'] === 'array') return [info['element-type']];
  if (info['meta-type'] !== 'object' && info['meta-type'] !== 'alternate') return [];
  return info.members.map(({ type }: { readonly type: string }) => type);
}

/** The names of an enum's values or of an object's members. */
function partsOf(info: SchemaInfo): readonly string[] {
  if (info['meta-type'] === 'enum') return info.values;
  return info['meta-type'] === 'object' ? info.members.map(({ name }) => name) : [];
}

/** Whether a name of a member or value has neither uppercase letters nor `_`, a vendor's prefix aside. */
function isInStyle(name: string): boolean {
  return !/[A-Z_]/.test(name.replace(/^__[a-zA-Z0-9.-]+_/, ''));
}

/** What special features say about a definition or about some of its members. */
const featureTexts: Readonly<Record<string, string>> = {
  deprecated: 'It may be removed in a later release.',
  unstable: 'It may change or go away at any time.',
};

function featureText(feature: string): string {
  return featureTexts[feature] ?? 'Not known from introspection.';
}

/** The meta-type of what a manual page calls an object, a command and so on. */
function kindOf(kind: ManualDefinition['kind']): string {
  return kind.toLowerCase();
}

function documentation(name: string, text: string, described: ReadonlySet<string>): string {
  const lines = [`@${name}:`, '', text];
  if (described.size > 0) lines.push('', 'Features:');
  for (const feature of described) lines.push('', `@${feature}: ${featureText(feature)}`);
  return comment(lines);
}

/** The text of a comment line has so many characters at most. */
const textWidth = 68;

/** Paragraphs as a documentation comment. What a description does not get on its line is indented. */
function comment(paragraphs: readonly string[]): string {
  const lines = paragraphs.flatMap((paragraph) => {
    const indent = /^@.*: /.test(paragraph) ? '    ' : '';
    const wrapped = [''];
    for (const word of paragraph.split(' ')) {
      const line = wrapped[wrapped.length - 1] as string;
      if (line === '') wrapped[wrapped.length - 1] = word;
      else if (line.length + 1 + word.length <= textWidth) wrapped[wrapped.length - 1] = `${line} ${word}`;
      else wrapped.push(indent + word);
    }
    return wrapped;
  });
  return ['##', ...lines.map((line) => `# ${line}`.trimEnd()), '##'].join('\n');
}

function features(entity: { readonly features?: readonly string[] }): { readonly features?: readonly string[] } {
  return entity.features && entity.features.length > 0 ? { features: entity.features } : {};
}
