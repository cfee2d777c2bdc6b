import { stringLiteral } from '../generator/emit/identifier.js';
import type { Member } from '../generator/schema/model.js';

/** How schemas say what an absent member stands for: `(default: off)`, `defaults to 'raw'`, `the default is 5`. */
const phrase = /\bdefaults?(?: value)?(?:\s+is|\s+to|\s*:|,)\s+(?:to\s+)?(["'`@]*)([\w.+-]+)/i;

/**
 * The value that an absent member stands for, by its documentation, as TypeScript.
 *
 * @param texts what documentation says of the member; the first that tells counts
 */
export function documentedDefault({ type }: Member, texts: readonly (string | undefined)[]): string | undefined {
  for (const text of texts) {
    const [, quote = '', found] = phrase.exec(text ?? '') ?? [];
    if (found === undefined) continue;
    const word = found.replace(/\.$/, '');
    if (type.kind === 'enum') return type.members.some(({ name }) => name === word) ? stringLiteral(word) : undefined;
    if (type.kind !== 'builtin') return undefined;
    switch (type.json) {
      case 'boolean':
        return booleans.get(word.toLowerCase());
      case 'int':
        return /^-?(\d{1,15}|0x[\da-f]{1,13})$/i.test(word) ? word : undefined;
      case 'number':
        return /^-?\d{1,15}(\.\d+)?$/.test(word) ? word : undefined;
      case 'string':
        // Without quotes it can be the beginning of an explanation.
        return quote === '' ? undefined : stringLiteral(word);
      default:
        return undefined;
    }
  }
  return undefined;
}

const booleans: ReadonlyMap<string, string> = new Map([
  ['true', 'true'],
  ['on', 'true'],
  ['false', 'false'],
  ['off', 'false'],
]);
