import { type Printable, printExpression } from '../print-expression.js';
import { referenceTo } from './branch-names.js';
import { manualComment } from './comment.js';
import type { ManualDefinition, ManualEntry, ManualPage } from './page.js';
import { returnTypeOf, type SeenResult } from './return-type.js';

/** A command that a program has which does not describe itself any further. */
export interface ManualCommand {
  readonly name: string;
  /** Whether its success is answered. */
  readonly successResponse: boolean;
  /** What it was seen to return. */
  readonly seen?: SeenResult | undefined;
}

/** The built-in types that a page writes as a schema does, the names of which {@link referenceTo} leaves as they are. */
const builtins: ReadonlySet<string> = new Set([
  'str',
  'bool',
  'any',
  'int',
  'number',
  'null',
  'size',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
]);

/**
 * Writes the QAPI schema of a program that tells no more than which commands it has, as its manual page describes them. Types, members
 * and arguments are as the page has them, which calls integers of all widths `int`; what exists in some builds only is there. A command that the page does
 * not have takes and returns anything.
 *
 * @param source what the commands came from, for the documentation of the schema
 */
export function schemaFromManual(page: ManualPage, commands: readonly ManualCommand[], source: string): string {
  return new Writer(page).write(commands, source);
}

class Writer {
  readonly #page: ManualPage;

  constructor(page: ManualPage) {
    this.#page = page;
  }

  write(commands: readonly ManualCommand[], source: string): string {
    const types = [...this.#page.definitions.values()].filter(({ kind }) => kind !== 'Command' && kind !== 'Event');
    const expressions = [
      ...types.map((type) => ({ name: type.name, described: type, expression: this.#type(type) })),
      ...commands.map((command) => this.#command(command)),
    ];
    const parts = expressions.map(({ name, described, expression }) => {
      const comment = described
        ? this.#comment(name, described)
        : `##\n# @${name}:\n#\n# The manual page does not have it.\n##`;
      return `${comment}\n${printExpression(expression)}`;
    });
    const about = `##\n# This schema was made from the manual page of ${source}.\n##`;
    return `${[about, printExpression({ pragma: this.#pragmas(types, commands) }), ...parts].join('\n\n')}\n`;
  }

  /** Excepts what the rules of names and documentation would not allow. */
  #pragmas(
    types: readonly ManualDefinition[],
    commands: readonly ManualCommand[],
  ): { readonly [key: string]: Printable } {
    const all = [...types.map(({ name }) => name), ...commands.map(({ name }) => name)];
    const odd = types.filter(({ entries }) => entries.some(({ name }) => /[A-Z_]/.test(name))).map(({ name }) => name);
    return {
      'command-returns-exceptions': commands.map(({ name }) => name),
      'command-name-exceptions': commands.map(({ name }) => name).filter((name) => name.includes('_')),
      'member-name-exceptions': odd,
      'documentation-exceptions': all,
    };
  }

  #command({ name, successResponse, seen }: ManualCommand) {
    const found = this.#page.definitions.get(name);
    const described = found?.kind === 'Command' ? found : undefined;
    const returns = described ? returnTypeOf(this.#page, described, seen) : 'any';
    const expression = {
      command: name,
      ...(described ? this.#data(described) : { gen: false }),
      ...(successResponse ? returns !== undefined && { returns: this.#known(returns) } : { 'success-response': false }),
      ...this.#features(described),
    };
    return { name, described, expression };
  }

  #data(described: ManualDefinition): { readonly [key: string]: Printable } {
    const [whole] = described.parts;
    if (whole && described.entries.length === 0) return { data: whole.type, boxed: true };
    return described.entries.length > 0 ? { data: this.#members(described.entries) } : {};
  }

  #type(described: ManualDefinition): { readonly [key: string]: Printable } {
    const { name, kind, entries, parts } = described;
    const features = this.#features(described);
    if (kind === 'Enum') return { enum: name, data: entries.map((entry) => entry.name), ...features };
    const members = this.#members(entries);
    if (kind === 'Alternate') return { alternate: name, data: members, ...features };
    const base = parts.find(({ value }) => value === undefined)?.type;
    const branches = parts.filter(({ value }) => value !== undefined);
    const [first] = branches;
    if (first === undefined) return { struct: name, ...(base !== undefined && { base }), data: members, ...features };
    const data = new Map(branches.map(({ value = '', type }) => [value, type] as const));
    return {
      union: name,
      base: base !== undefined && members.size === 0 ? base : members,
      discriminator: first.tag ?? '',
      data,
      ...features,
    };
  }

  #members(entries: readonly ManualEntry[]): Map<string, Printable> {
    return new Map(
      entries.map(({ name, type = '', optional }) => [`${optional ? '*' : ''}${name}`, this.#known(referenceTo(type))]),
    );
  }

  /** A type that there is; anything for one that the page does not have. */
  #known(type: Printable): Printable {
    if (Array.isArray(type)) return type.map((element: Printable) => this.#known(element));
    return this.#page.definitions.has(String(type)) || builtins.has(String(type)) ? type : 'any';
  }

  /** What is said of a member is not true of the whole. */
  #features(described: ManualDefinition | undefined): { readonly features?: readonly string[] } {
    const own = (described?.features ?? []).filter(({ text }) => !/^(Members?|Arguments?)\b/.test(text));
    return own.length > 0 ? { features: own.map(({ name }) => name) } : {};
  }

  #comment(name: string, described: ManualDefinition): string {
    const { features = [] } = this.#features(described);
    const parts = described.entries.map((entry) => entry.name);
    return manualComment(name, this.#page, described, { parts, features: new Set(features), featureText: () => '' });
  }
}
