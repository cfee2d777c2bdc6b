import type { DocBlock } from '../../syntax/doc-block.js';
import type { Expression, SyntaxObject } from '../../syntax/tree.js';
import type { Draft } from '../draft.js';
import type { CheckContext } from './context.js';

/**
 * The expressions of a schema in which nothing was wrong the last time, for callers that check it again and again: by the same rules
 * nothing is wrong with them now, apart from what other expressions have to do with it.
 */
export class SoundDefinitions {
  #rules = '';
  #known = new WeakMap<SyntaxObject, Sound>();
  /** What is known of the expressions of this check, whose objects are shortened on the way. */
  #current = new Map<Expression, Sound>();

  /** Begins a check. What is known by other rules is forgotten. */
  begin({ dialect, pragmas, documentationChecked }: CheckContext): void {
    const settings = Object.values(pragmas).map((value) => (typeof value === 'boolean' ? value : [...value]));
    const rules = JSON.stringify([dialect.name, documentationChecked, settings]);
    if (rules !== this.#rules) this.#known = new WeakMap();
    this.#rules = rules;
    this.#current = new Map();
  }

  has(expression: Expression): boolean {
    const known = this.#known.get(expression.value);
    if (known === undefined || known.doc !== expression.doc) return false;
    this.#current.set(expression, known);
    return true;
  }

  add(expression: Expression): void {
    const sound = { doc: expression.doc, described: false };
    this.#known.set(expression.value, sound);
    this.#current.set(expression, sound);
  }

  /** Whether the documentation of what an expression defines fits its parts. */
  isDescribed({ expression }: Draft): boolean {
    return expression !== undefined && this.#current.get(expression)?.described === true;
  }

  /** Adds that the documentation of a definition fits its parts, unless these may be in another expression. */
  addDescribed(draft: Draft): void {
    const sound = draft.expression && this.#current.get(draft.expression);
    if (sound && hasOwnParts(draft)) sound.described = true;
  }
}

/** That an expression is sound with the documentation that it had. */
interface Sound {
  readonly doc: DocBlock | undefined;
  described: boolean;
}

/** Whether all parts of a definition are in its expression. A definition may also name the type of which another one's parts are. */
function hasOwnParts(draft: Draft): boolean {
  const parts = draft.kind === 'object' ? draft.base : 'arguments' in draft ? draft.arguments : undefined;
  return !parts?.name.startsWith('q_obj_') || parts.target?.expression === draft.expression;
}
