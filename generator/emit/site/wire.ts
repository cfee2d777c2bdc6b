import { escapeHtml } from '../../doc/html.js';
import type { Command, Event, Member, ObjectType, Type } from '../../schema/model.js';
import { shapeOf } from '../../schema/shapes.js';
import { definitionLink } from './links.js';
import type { Documented } from './places.js';
import type { SiteContext } from './site-context.js';

const jsonWords = {
  string: 'string',
  int: 'integer',
  number: 'number',
  boolean: 'boolean',
  null: 'null',
  value: 'any value',
};

/** What a definition looks like on the wire, as HTML: JSON, with the names of types in place of values. */
export function wireHtml(context: SiteContext, definition: Documented, root: string): string {
  return new Wire(context, root).of(definition).join('\n');
}

class Wire {
  readonly #context: SiteContext;
  readonly #root: string;

  constructor(context: SiteContext, root: string) {
    this.#context = context;
    this.#root = root;
  }

  of(definition: Documented): string[] {
    switch (definition.kind) {
      case 'command':
        return this.#command(definition);
      case 'event':
        return this.#event(definition);
      case 'enum':
        return definition.members.map(({ name }, index) => `${index === 0 ? '  ' : '| '}${quoted(name)}`);
      case 'alternate':
        return definition.branches.map(({ type }, index) => `${index === 0 ? '  ' : '| '}${this.#type(type)}`);
      default:
        return this.#object(definition);
    }
  }

  #command({ name, arguments: type, returns, successResponse }: Command): string[] {
    const request = type
      ? [`-&gt; { "execute": ${quoted(name)},`, ...hanging('     "arguments": ', this.#data(type), ' }')]
      : [`-&gt; { "execute": ${quoted(name)} }`];
    if (!successResponse) return request;
    return [...request, `&lt;- { "return": ${returns ? this.#type(returns) : '{}'} }`];
  }

  #event({ name, arguments: type }: Event): string[] {
    return [
      `&lt;- { "event": ${quoted(name)},`,
      ...(type ? hanging('     "data": ', this.#data(type), ',') : []),
      '     "timestamp": { "seconds": integer, "microseconds": integer } }',
    ];
  }

  /** Arguments and data: what the definition spells out, or the type that it names. */
  #data(type: Type): string[] {
    return type.kind === 'struct' && type.implicit ? this.#object(type) : [this.#type(type)];
  }

  #object(type: ObjectType): string[] {
    const { members, union } = shapeOf(type);
    const lines = [...members.values()].map((member) => this.#member(member));
    if (union) {
      const extra = union.branches
        .filter((branch) => !branch.implicit)
        .map(({ name, type: branch }) => {
          const [data] = branch.kind === 'struct' && branch.implicit ? branch.members : [];
          return `  <i>${quoted(name)}:</i> ${data ? `"data": ${this.#type(data.type)}` : this.#type(branch)}`;
        });
      lines.push(`  <i>and, by ${quoted(union.tag.name)}, the members of</i>`, ...extra);
    }
    return lines.length === 0 ? ['{}'] : ['{', ...lines, '}'];
  }

  #member({ name, type, optional }: Member): string {
    return `  ${quoted(name)}: ${this.#type(type)}${optional ? ', <i>optional</i>' : ','}`;
  }

  #type(type: Type): string {
    if (type.kind === 'array') return `[ ${this.#type(type.element)}, … ]`;
    if (type.kind === 'builtin') return jsonWords[type.json];
    return this.#context.places.of(type) === undefined ? '{ … }' : definitionLink(this.#context, type, this.#root);
  }
}

function quoted(text: string): string {
  return escapeHtml(JSON.stringify(text));
}

/** Lines behind a start, indented by it; and an end. */
function hanging(start: string, lines: readonly string[], end: string): string[] {
  return lines.map((line, index) => (index === 0 ? start : '     ') + line + (index === lines.length - 1 ? end : ''));
}
