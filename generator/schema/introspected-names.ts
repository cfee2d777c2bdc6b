import type { SchemaInfo } from './introspect.js';

/** Where a type was found for the first time, so that it can be named after it. */
export interface TypeOrigin {
  readonly name: string;
  /** For people: what it is of what. */
  readonly description: string;
}

/** The types of introspection data by the name they are referred to. */
export type InfoIndex = ReadonlyMap<string, SchemaInfo>;

/** The types of introspection data; a command can have the name of one. */
export function indexTypes(infos: readonly SchemaInfo[]): InfoIndex {
  const types = infos.filter((info) => info['meta-type'] !== 'command' && info['meta-type'] !== 'event');
  return new Map(types.map((info) => [info.name, info]));
}

/** A masked type name: a number that stands for the name. */
const masked = /^\d+$/;
const implicit = /^q_/;

/**
 * Names the types that commands and events reach, each after the place that is nearest to a command or event: the result of
 * `query-block` is `BlockInfo`, its member `inserted` has the type `BlockInfoInserted`. Names that are not masked are kept.
 */
export function nameTypes(infos: readonly SchemaInfo[], index: InfoIndex): Map<string, TypeOrigin> {
  const naming = new Naming(index);
  for (const info of infos) {
    if (info['meta-type'] === 'command') {
      naming.meet(info['ret-type'], resultName(info.name), `Result of the command ${info.name}.`);
    }
  }
  for (const info of infos) {
    if (info['meta-type'] !== 'command' && info['meta-type'] !== 'event') continue;
    naming.meet(info['arg-type'], `${pascalCase(info.name)}Arguments`, `Arguments of ${info.name}.`);
  }
  naming.descend();
  return naming.origins;
}

function resultName(command: string): string {
  const query = /^(?:x-)?query-(.+)$/.exec(command);
  return query ? `${pascalCase(query[1] as string)}Info` : `${pascalCase(command)}Result`;
}

class Naming {
  readonly origins = new Map<string, TypeOrigin>();
  readonly #index: InfoIndex;
  readonly #taken = new Set<string>();

  constructor(index: InfoIndex) {
    this.#index = index;
    for (const [name, info] of index) if (isKept(name) && info['meta-type'] !== 'builtin') this.#taken.add(name);
  }

  /** Names a type that has no name yet. Arrays are named by their elements. */
  meet(type: string, wish: string, description: string): void {
    const info = this.#index.get(type);
    if (!info || info['meta-type'] === 'builtin' || this.origins.has(type)) return;
    if (info['meta-type'] === 'array') {
      this.meet(info['element-type'], wish, description);
      return;
    }
    if (isKept(type)) this.origins.set(type, { name: type, description });
    else this.origins.set(type, { name: this.#free(wish), description });
  }

  /** Names what the named types refer to, those nearest to commands and events first. A map also walks what is added meanwhile. */
  descend(): void {
    for (const [type, { name }] of this.origins) {
      const info = this.#index.get(type) as SchemaInfo;
      if (info['meta-type'] === 'object') {
        for (const member of info.members) {
          this.meet(member.type, name + pascalCase(member.name), `Type of the member ${member.name} of ${name}.`);
        }
        for (const variant of info.variants ?? []) {
          this.meet(variant.type, name + pascalCase(variant.case), `What ${variant.case} adds to ${name}.`);
        }
      } else if (info['meta-type'] === 'alternate') {
        for (const { type: branch } of info.members) {
          const kind = this.#index.get(branch)?.['meta-type'] ?? '';
          this.meet(branch, name + pascalCase(kind), `Alternative of ${name}.`);
        }
      }
    }
  }

  #free(wish: string): string {
    // The ending belongs to the arrays that the language makes itself.
    const allowed = /List$/.test(wish) ? `${wish}Type` : wish;
    let name = allowed;
    for (let count = 2; this.#taken.has(name); count++) name = `${allowed}${count}`;
    this.#taken.add(name);
    return name;
  }
}

function isKept(name: string): boolean {
  return !masked.test(name) && !implicit.test(name);
}

/** A name of a command, event or member as a part of a type's name: `blockdev-add` is `BlockdevAdd`, `BLOCK_IO_ERROR` is `BlockIoError`. */
function pascalCase(name: string): string {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  return words
    .map((word) => (/[a-z]/.test(word) ? word : word.toLowerCase()))
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}
