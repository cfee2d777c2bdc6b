import { IdentifierPool, pascalCase, toIdentifier } from '../identifier.js';
import type { Versions } from './versions.js';

/** Names that the tree declares beside those of schemas, and globals of the helpers. */
const reserved = [
  'Release',
  'Range',
  'Releases',
  'Schema',
  'Commands',
  'Events',
  'CommandsOfAll',
  'SomeCommands',
  'CommandReleases',
  'EventsOfAll',
  'SomeEvents',
  'EventReleases',
  'All',
  'Some',
  'When',
  'Must',
  'R',
  'V',
  'S',
  'T',
  'N',
];

/** The identifiers of a tree: one for each key, and for what hangs on it. */
export class Identifiers {
  readonly #pool = new IdentifierPool();
  readonly #known = new Map<string, string>();

  constructor({ types }: Versions) {
    for (const name of reserved) this.#pool.claim(name);
    const keys = [...types.keys()];
    // A name that is an identifier already is not lost to another that becomes one.
    for (const key of keys) if (toIdentifier(key) === key) this.#known.set(key, this.#pool.claim(key));
    for (const key of keys) this.of(key);
  }

  /** The identifier of a type by its key. */
  of(key: string): string {
    const [, part, name = ''] = /^(arguments|base|data) (.*)$/.exec(key) ?? [];
    if (part === undefined) return this.claim(key, toIdentifier(key));
    if (part === 'base') return this.claim(key, `${toIdentifier(name)}Base`);
    return this.claim(key, `${pascalCase(name)}${part === 'data' ? 'Data' : 'Arguments'}`);
  }

  /** The identifier of anything else: the same for the same key. */
  claim(key: string, wanted: string): string {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const name = this.#pool.claim(wanted);
    this.#known.set(key, name);
    return name;
  }
}
