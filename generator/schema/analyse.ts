import type { Dialect } from '../syntax/dialect.js';
import type { SyntaxTree } from '../syntax/tree.js';
import { type Diagnostic, isError } from '../text/diagnostic.js';
import { build } from './build.js';
import { checkInPhases } from './check/check.js';
import { CheckContext } from './check/context.js';
import type { SoundDefinitions } from './check/sound-definitions.js';
import type { Drafts } from './define.js';
import { checkLegacy } from './legacy/check.js';
import { effectivePragmas } from './legacy/exceptions.js';
import { lostNames } from './lost.js';
import type { Schema } from './model.js';

/** What came of checking a schema. */
export interface Analysis {
  /** The model; absent when there are errors. */
  readonly schema?: Schema;
  /** In the order in which the reference looks: the first error is the one that it reports. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Checks a schema that has been read, by the rules of a dialect, and makes the model of it. The syntax tree is used up by that.
 *
 * @param problems what was found while reading. Where it is an error, parts of the schema may be missing
 * @param sound what was found to be sound the last time, for callers that check the schema again
 */
export function analyse(
  tree: SyntaxTree,
  dialect: Dialect,
  problems: readonly Diagnostic[] = [],
  sound?: SoundDefinitions,
): Analysis {
  const { drafts, diagnostics } = check(tree, dialect, problems, sound);
  return diagnostics.some(isError) ? { diagnostics } : { schema: build(drafts, tree.modules), diagnostics };
}

/** What {@link analyse} finds, without the model. */
export function problemsOf(tree: SyntaxTree, dialect: Dialect, problems: readonly Diagnostic[]): readonly Diagnostic[] {
  return check(tree, dialect, problems).diagnostics;
}

function check(
  tree: SyntaxTree,
  dialect: Dialect,
  problems: readonly Diagnostic[],
  sound?: SoundDefinitions,
): { readonly drafts: Drafts; readonly diagnostics: readonly Diagnostic[] } {
  const context = new CheckContext(dialect, effectivePragmas(tree.pragmas, dialect), tree.documentationChecked);
  const whole = tree.expressions.filter((expression) => !expression.broken);
  const lost = lostNames(tree, problems);
  const drafts = dialect.has('checks in two passes')
    ? checkLegacy(whole, lost, context)
    : checkInPhases(whole, lost, context, sound);
  return { drafts, diagnostics: [...problems, ...context.diagnostics] };
}
