import { metaKeys } from '../../syntax/meta-key.js';
import type { SyntaxObject } from '../../syntax/tree.js';
import type { CheckContext } from './context.js';

/** Reports an expression that defines nothing, with the key that was probably meant. */
export function reportNoDefinition({ pairs, span }: SyntaxObject, context: CheckContext): void {
  const known = metaKeys.map((key) => `'${key}'`).join(', ');
  context.report('no-definition', { known }, span, { hint: hintFor(pairs.keys(), context) });
}

function hintFor(keys: readonly string[], context: CheckContext): string | undefined {
  if (keys[0] === 'type') {
    // A schema of that time has hundreds of them.
    return context.first("'type'")
      ? "'type' became 'struct' in release 2.4: rename it, here and in all others"
      : undefined;
  }
  const candidates = [...metaKeys, 'include', 'pragma'];
  return keys.map((key) => context.suggest(key, candidates)).find((text) => text !== undefined);
}
