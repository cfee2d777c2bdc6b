import type { Dialect } from '../syntax/dialect.js';
import type { SyntaxTree } from '../syntax/tree.js';
import type { Diagnostic } from '../text/diagnostic.js';
import { build } from './build.js';
import { CheckContext } from './check/context.js';
import { checkDefinition } from './check/definition.js';
import { describeKind } from './check/describe.js';
import { checkDescribed, checkUndescribed } from './check/documentation.js';
import { checkEntities } from './check/entities.js';
import { checkFeatureLimit } from './check/feature-limit.js';
import { type Drafts, define } from './define.js';
import type { Draft } from './draft.js';
import type { Schema } from './model.js';

/** What came of checking a schema. */
export interface Analysis {
  /** The model; absent when there are errors. */
  readonly schema?: Schema;
  /** In the order in which the reference looks: the first error is the one that it reports. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Checks a schema that has been read, by the rules of a dialect, and makes the model of it.
 *
 * @param problems what was found while reading. Where it is an error, parts of the schema may be missing
 */
export function analyse(tree: SyntaxTree, dialect: Dialect, problems: readonly Diagnostic[] = []): Analysis {
  const context = new CheckContext(dialect, tree.pragmas);
  const complete = !problems.some(isError);
  const drafts = check(tree, complete, context);
  const diagnostics = [...problems, ...context.diagnostics];
  return diagnostics.some(isError) ? { diagnostics } : { schema: build(drafts, tree.modules), diagnostics };
}

function isError({ severity }: Diagnostic): boolean {
  return severity === 'error';
}

/** The order of 4.2 and later: each definition by itself, then all names, then each entity with what it refers to. */
function check({ expressions }: SyntaxTree, complete: boolean, context: CheckContext): Drafts {
  for (const expression of expressions) {
    context.enter(expression);
    checkDefinition(expression, context);
  }
  const drafts = define(expressions, context.dialect, complete, (expression, name, earlier) => {
    context.enter(expression);
    const place = earlier.expression?.value.span;
    const related = place ? [{ message: 'the earlier definition', span: place }] : [];
    context.report('redefinition', { name: name.value, earlier: describeKind(earlier) }, name.span, { related });
  });
  const describedLast = context.dialect.has('non-existent descriptions reported last');
  const documented: Draft[] = [];
  checkEntities(drafts, context, (draft) => {
    if (!draft.doc || context.isFaulty(draft.expression)) return;
    checkUndescribed(draft, context);
    if (describedLast) documented.push(draft);
    else checkDescribed(draft, context);
  });
  for (const draft of documented) {
    context.enter(draft.expression);
    checkDescribed(draft, context);
  }
  checkFeatureLimit(drafts, context);
  return drafts;
}
