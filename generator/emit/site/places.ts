import type { Definition, Module, Schema } from '../../schema/model.js';
import { claimPath, safeSegment } from '../folders.js';

/** A definition that has a page of its own. */
export type Documented = Exclude<Definition, { kind: 'builtin' | 'array' }>;

/** The folders of the pages, by what they are about. */
const folders = {
  command: 'commands',
  event: 'events',
  enum: 'types',
  struct: 'types',
  union: 'types',
  alternate: 'types',
} as const;

/** Where everything is in the site: paths from its folder. */
export interface Places {
  /** The definitions with pages, in order of definition. */
  readonly definitions: readonly Documented[];
  /** The page of a definition; undefined when it has none. */
  of(definition: Definition): string | undefined;
  ofModule(module: Module): string;
}

/** The page with all built-in types. */
export const builtinPage = 'builtin-types.html';

/** Gives every definition and module its page. No two paths differ in the case of letters only. */
export function placesOf(schema: Schema): Places {
  const taken = new Set<string>();
  const definitions = schema.definitions.filter(isDocumented);
  const pages = new Map<Definition, string>();
  for (const definition of definitions) pages.set(definition, claim(taken, folders[definition.kind], definition.name));
  const modules = new Map(schema.modules.map((module) => [module, claim(taken, 'modules', moduleName(module))]));
  return {
    definitions,
    of: (definition) =>
      definition.kind === 'builtin' ? `${builtinPage}#${fragment(definition.name)}` : pages.get(definition),
    ofModule: (module) => modules.get(module) as string,
  };
}

/** What pages call the kind of a definition. */
export function kindWord({ kind }: Documented): string {
  return kind === 'struct' ? 'object' : kind;
}

/** The name of a module, without what all of them end in. */
export function moduleName({ name }: Module): string {
  return name.replace(/\.json$/, '');
}

/** A name as the part of an address behind `#`, and as the `id` of the element there. */
export function fragment(name: string): string {
  return name.replace(/[^\w.-]/g, '_');
}

/** Whether a definition has a page of its own. */
export function isDocumented(definition: Definition): definition is Documented {
  return !definition.implicit && definition.kind !== 'builtin' && definition.kind !== 'array';
}

function claim(taken: Set<string>, folder: string, name: string): string {
  const safe = safeSegment(name);
  // A folder's own page would be `index.html`.
  const wanted = safe.toLowerCase() === 'index' ? `${safe}_` : safe;
  return `${claimPath(taken, `${folder}/${wanted}`)}.html`;
}
