import type { Draft } from '../draft.js';

/** What kind of entity something is, in the words of a message: "a struct". */
export function describeKind(draft: Draft): string {
  switch (draft.kind) {
    case 'builtin':
      return 'a built-in type';
    case 'object':
      return draft.variants ? 'a union' : 'a struct';
    case 'enum':
    case 'array':
    case 'alternate':
    case 'event':
      return `an ${draft.kind}`;
    case 'command':
      return 'a command';
  }
}
