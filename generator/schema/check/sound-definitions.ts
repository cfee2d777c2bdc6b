import type { DocBlock } from '../../syntax/doc-block.js';
import type { Expression, SyntaxObject } from '../../syntax/tree.js';
import type { CheckContext } from './context.js';

/**
 * The expressions of a schema in which nothing was wrong the last time, for callers that check it again and again: by the same rules
 * nothing is wrong with them now, apart from what other expressions have to do with it.
 */
export class SoundDefinitions {
  #rules = '';
  #known = new WeakMap<SyntaxObject, { readonly doc: DocBlock | undefined }>();

  /** Begins a check. What is known by other rules is forgotten. */
  begin({ dialect, pragmas, documentationChecked }: CheckContext): void {
    const settings = Object.values(pragmas).map((value) => (typeof value === 'boolean' ? value : [...value]));
    const rules = JSON.stringify([dialect.name, documentationChecked, settings]);
    if (rules !== this.#rules) this.#known = new WeakMap();
    this.#rules = rules;
  }

  has({ value, doc }: Expression): boolean {
    const known = this.#known.get(value);
    return known !== undefined && known.doc === doc;
  }

  add({ value, doc }: Expression): void {
    this.#known.set(value, { doc });
  }
}
