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
      if (!target || target.kind === 'command' || target.kind === 'event') return codeSpan(name);
      if (!names.isDeclared(target) || !scope.has(target)) return codeSpan(name);
      const type = names.type(target);
      return type === name ? `{@link ${name}}` : `{@link ${type} | ${name}}`;
    },
  };
}
