import { didYouMean } from '../../text/near-miss.js';
import type { Drafts } from '../define.js';
import type { TypeDraft, TypeReference } from '../draft.js';
import type { CheckContext } from './context.js';
import { describeKind } from './describe.js';

/** So many different unknown names get a suggestion: looking for one among all names takes time, and after the first few nobody reads them. */
const suggestionLimit = 100;

/** Reports references that mean nothing, with the name that was probably meant. */
export class References {
  readonly #drafts: Drafts;
  readonly #context: CheckContext;
  readonly #suggestions = new Map<string, string | undefined>();

  constructor(drafts: Drafts, context: CheckContext) {
    this.#drafts = drafts;
    this.#context = context;
  }

  /** What a reference means. Nothing, reported, if there is no such type; also if it is an array of no such type. */
  resolve(reference: TypeReference, role: string): TypeDraft | undefined {
    const { target } = reference;
    if (!target) {
      this.#reportUnknown(reference, role);
      return undefined;
    }
    if (target.kind !== 'array' || target.element.target) return target;
    // The array's own check reports its first use.
    if (reference.span !== target.element.span && !target.element.excused) {
      this.#reportUnknown({ name: target.element.name, span: reference.span }, role);
    }
    return undefined;
  }

  #reportUnknown({ name, span, excused }: TypeReference, role: string): void {
    if (excused) return;
    const other = this.#drafts.names.get(name);
    const hint = other ? `'${name}' is ${describeKind(other)}, not a type` : this.#suggestion(name);
    this.#context.report('unknown-type', { role, type: name }, span, { hint });
  }

  #suggestion(name: string): string | undefined {
    if (!this.#suggestions.has(name)) {
      if (this.#suggestions.size >= suggestionLimit) return undefined;
      this.#suggestions.set(name, didYouMean(name, this.#typeNames()));
    }
    return this.#suggestions.get(name);
  }

  *#typeNames(): Generator<string> {
    for (const draft of this.#drafts.names.values()) {
      const isType = draft.kind !== 'command' && draft.kind !== 'event';
      if (isType && (!draft.implicit || draft.kind === 'builtin')) yield draft.name;
    }
  }
}
