import { builtinHint } from '../builtins.js';
import type { Drafts } from '../define.js';
import type { TypeDraft, TypeReference } from '../draft.js';
import type { CheckContext } from './context.js';
import { describeKind } from './describe.js';

/** What other languages call the built-in types. */
const foreign: ReadonlyMap<string, string> = new Map([
  ['string', 'str'],
  ['integer', 'int'],
  ['long', 'int64'],
  ['uint', 'uint64'],
  ['float', 'number'],
  ['double', 'number'],
  ['boolean', 'bool'],
  ['object', 'any'],
]);

/** Reports references that mean nothing, with the name that was probably meant. */
export class References {
  readonly #drafts: Drafts;
  readonly #context: CheckContext;

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
    const builtin = foreign.get(name.toLowerCase());
    let hint = builtinHint(name, this.#context.dialect);
    if (other) hint = `'${name}' is ${describeKind(other)}, not a type`;
    else if (builtin !== undefined) hint = `did you mean '${builtin}'?`;
    else hint ??= this.#context.suggest(name, this.#typeNames());
    this.#context.report('unknown-type', { role, type: name }, span, { hint });
  }

  *#typeNames(): Generator<string> {
    for (const draft of this.#drafts.names.values()) {
      const isType = draft.kind !== 'command' && draft.kind !== 'event';
      if (isType && (!draft.implicit || draft.kind === 'builtin')) yield draft.name;
    }
  }
}
