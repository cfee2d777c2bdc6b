import { codeSpan } from '../doc/markdown.js';
import type { DocContext } from '../doc/tsdoc.js';
import { callsOf } from './example-calls.js';
import { lineWidth } from './options.js';
import type { FileScope } from './scope.js';

/** How comments of a file are written, indented by some spaces: what the file knows is linked. */
export function docContext(scope: FileScope, indent: number): DocContext {
  const { schema, names, options } = scope.plan;
  const width = lineWidth - indent - ' * '.length;
  return {
    width,
    typed: (code) => callsOf(schema, code, { int64: options.int64, width }),
    link(name) {
      const target = schema.lookup(name);
      const isType = target && target.kind !== 'command' && target.kind !== 'event';
      return linkText(name, isType && names.isDeclared(target) && scope.has(target) ? names.type(target) : undefined);
    },
  };
}

/** A name of the schema where a comment mentions it: linked to what it is declared as, where the file knows that. */
export function linkText(name: string, identifier: string | undefined): string {
  if (identifier === undefined) return codeSpan(name);
  return identifier === name ? `{@link ${name}}` : `{@link ${identifier} | ${name}}`;
}
