import type { Change } from '../generator/compare/change.js';
import type { Span } from '../generator/text/source-file.js';
import type { Element } from './elements.js';

/** The changes of a schema by what they are changes of. */
export class ChangeIndex {
  readonly #byEntity = new Map<string, Change[]>();
  readonly #byOld = new Map<string, Change[]>();
  readonly #byNew = new Map<string, Change[]>();

  constructor(changes: readonly Change[]) {
    for (const change of changes) {
      if (isOfEntity(change)) add(this.#byEntity, change.entities[0] as string, change);
      else if (change.oldPlace) add(this.#byOld, keyOf(change.oldPlace), change);
      if (change.newPlace) add(this.#byNew, keyOf(change.newPlace), change);
    }
  }

  /** The changes of something that the old schema has. */
  of(element: Element): readonly Change[] {
    if (element.kind === 'command' || element.kind === 'event') return this.#byEntity.get(element.of.name) ?? [];
    return (element.of.span && this.#byOld.get(keyOf(element.of.span))) ?? [];
  }

  /** The changes that something at a place of the new schema is a part of. */
  at(place: Span | undefined): readonly Change[] {
    return (place && this.#byNew.get(keyOf(place))) ?? [];
  }
}

/** Whether a change is one of a command or event: of itself, or of what it carries as a whole. */
function isOfEntity({ entities, path, kind }: Change): boolean {
  if (entities.length !== 1 || !/^((arguments|returns|data)(\[\])*)?$/.test(path)) return false;
  // A change of a type that only one command returns is one of the type.
  return path === '' || /^(type-(widened|narrowed|changed)|string-to-enum|enum-to-string|integer-)/.test(kind);
}

function keyOf({ file, start }: Span): string {
  return `${file.path}:${start}`;
}

function add(map: Map<string, Change[]>, key: string, change: Change): void {
  const known = map.get(key);
  if (known) known.push(change);
  else map.set(key, [change]);
}
