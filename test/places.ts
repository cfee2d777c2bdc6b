import { type Members, type Name, type Visit, type VisitMembers, WalkVisitor } from '../runtime/index.js';

/** Where a value stands in another. */
export type Path = (string | number)[];

const scalars = [
  ...(['str', 'bool', 'null', 'number', 'any', 'enum'] as const),
  ...(['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64', 'size'] as const),
];

/** Takes down where a walk comes by. */
export class Places extends WalkVisitor {
  /** The places of all values, containers included. */
  readonly values: Path[] = [];
  /** The places of those that are structs or unions. */
  readonly objects: Path[] = [];
  readonly #path: Path = [];

  constructor() {
    super();
    for (const scalar of scalars) {
      Object.assign(this, {
        [scalar]: (value: unknown, name: Name) => {
          this.#at(name, () => {});
          return value;
        },
      });
    }
  }

  override struct(value: unknown, name: Name, type: string, members: VisitMembers): unknown {
    this.#at(name, () => {
      this.objects.push([...this.#path]);
      super.struct(value, name, type, members);
    });
    return value;
  }

  override list<T>(value: unknown, name: Name, element: Visit<T>): T[] {
    this.#at(name, () => super.list(value, name, element));
    return value as T[];
  }

  #at(name: Name, visit: () => unknown): void {
    if (name !== undefined) this.#path.push(name);
    this.values.push([...this.#path]);
    visit();
    if (name !== undefined) this.#path.pop();
  }
}

/** A copy of a value in which another value stands at a place. */
export function replaced(value: unknown, [name, ...rest]: Path, replacement: unknown): unknown {
  if (name === undefined) return replacement;
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Members;
  copy[name] = replaced(copy[name], rest, replacement);
  return copy;
}
