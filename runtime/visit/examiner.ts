import type { Difference } from '../json/codec.js';
import { InputVisitor } from './input-visitor.js';
import { jsonKind } from './json-kind.js';
import { unknownMembers } from './unknown-members.js';
import { VisitError } from './visit-error.js';
import type { Members, Name, Visit, VisitMembers } from './visitor.js';

/** Checks as the input visitor does, but goes on after a problem, keeps them all, and leaves the value as it is. */
export class Examiner extends InputVisitor {
  readonly differences: Difference[] = [];
  /** What the containers are called that the walk is in. */
  readonly #path: Name[] = [];

  protected override refuse(error: VisitError, value: unknown): never {
    for (const name of this.#path.toReversed()) error.within(name);
    const { kind, path, message } = error;
    this.differences.push({ kind, path, message });
    return value as never;
  }

  override struct(value: unknown, name: Name, type: string, members: VisitMembers): unknown {
    // The base class words what is wrong.
    if (jsonKind(value) !== 'object') return super.struct(value, name, type, members);
    const copy: Members = { ...(value as Members) };
    this.#path.push(name);
    this.#attempt(() => {
      const visited = members(this, copy);
      if (visited === Object.keys(copy).length) return;
      for (const error of unknownMembers(copy, type, members)) this.refuse(error, value);
    });
    this.#path.pop();
    return value;
  }

  override list<T>(value: unknown, name: Name, element: Visit<T>): T[] {
    if (!Array.isArray(value)) return super.list(value, name, element);
    this.#path.push(name);
    for (const [index, item] of value.entries()) this.#attempt(() => element(this, item, index));
    this.#path.pop();
    return value as T[];
  }

  /** Generated code of `--int64 number` throws for itself when it meets an integer that it cannot hold. */
  #attempt(visit: () => unknown): void {
    try {
      visit();
    } catch (error) {
      if (!(error instanceof VisitError)) throw error;
      this.refuse(error, undefined);
    }
  }
}
