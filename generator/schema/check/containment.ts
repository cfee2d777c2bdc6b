import type { ObjectDraft, TypeReference } from '../draft.js';
import type { CheckContext } from './context.js';

/** The check of an object type: yields each type that it contains, as base or branch, to be checked before it goes on. */
export type ObjectCheck = (object: ObjectDraft) => Generator<TypeReference, void>;

/** An object type whose check waits for that of a type which it contains. */
interface Waiting {
  readonly object: ObjectDraft;
  readonly steps: Generator<TypeReference, void>;
  /** Where it names the type that it waits for. */
  reference?: TypeReference;
}

/**
 * Checks object types, each once, and what they contain before them. Reports types that contain themselves.
 * Has a stack of its own, as chains of bases and branches may be long.
 */
export class ContainmentWalk {
  readonly #context: CheckContext;
  readonly #check: ObjectCheck;
  readonly #started = new Set<ObjectDraft>();
  readonly #stack: Waiting[] = [];
  readonly #waiting = new Map<ObjectDraft, Waiting>();

  constructor(context: CheckContext, check: ObjectCheck) {
    this.#context = context;
    this.#check = check;
  }

  visit(object: ObjectDraft): void {
    this.#start(object);
    for (let top = this.#stack.at(-1); top; top = this.#stack.at(-1)) {
      this.#context.enter(top.object.expression);
      const { done, value: reference } = top.steps.next();
      if (done) {
        this.#stack.pop();
        this.#waiting.delete(top.object);
        continue;
      }
      top.reference = reference;
      const part = reference.target;
      if (part?.kind !== 'object') continue;
      const again = this.#waiting.get(part);
      if (again?.reference) this.#reportCircle(part, again.reference);
      else this.#start(part);
    }
  }

  #start(object: ObjectDraft): void {
    if (this.#started.has(object)) return;
    this.#started.add(object);
    const check: Waiting = { object, steps: this.#check(object) };
    this.#waiting.set(object, check);
    this.#stack.push(check);
  }

  #reportCircle(object: ObjectDraft, reference: TypeReference): void {
    this.#context.enter(object.expression);
    this.#context.report('contains-itself', { name: object.name }, reference.span);
  }
}
