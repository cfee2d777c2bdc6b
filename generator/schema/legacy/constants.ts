import type { SyntaxString } from '../../syntax/tree.js';
import type { CheckContext } from '../check/context.js';
import { camelToUpper } from '../names.js';

/** What has a constant in C. */
export type Constant = 'enum value' | 'branch of an alternate' | 'branch of a simple union';

/** The clashes that 2.4 and 2.5 look for among enum values and branches: those of the constants that C has for them. */
export function checkConstants(names: readonly SyntaxString[], kind: Constant, context: CheckContext): void {
  const { dialect } = context;
  if (!dialect.has('clashes of constants')) return;
  const structured = kind === 'branch of a simple union' && dialect.has("reserved branches 'kind' and 'type'");
  const reserved = structured ? ['MAX', 'KIND', 'TYPE'] : ['MAX'];
  const seen = new Map<string, SyntaxString>();
  for (const name of names) {
    const { value, span } = name;
    const constant = camelToUpper(value);
    const earlier = seen.get(constant);
    if (reserved.includes(constant)) {
      const what = `${kind === 'enum value' ? 'an' : 'a'} ${kind}`;
      context.report('reserved-constant', { what, name: value }, span);
    } else if (earlier) {
      const related = [{ message: `${kind} '${earlier.value}'`, span: earlier.span }];
      const parameters = { what: `${kind} '${value}'`, earlier: `${kind} '${earlier.value}'` };
      context.report('member-clash', parameters, span, { related });
    } else seen.set(constant, name);
  }
}
