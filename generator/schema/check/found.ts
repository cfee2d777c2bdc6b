import type { SyntaxValue } from '../../syntax/tree.js';

/** What a value is, in the words of a message: "an array". */
export function found(value: SyntaxValue): string {
  switch (value.kind) {
    case 'string':
      return value.value === '' ? 'an empty string' : `the string '${value.value}'`;
    case 'boolean':
      return `${value.value}`;
    case 'null':
      return 'null';
    case 'array':
      return value.elements.length === 0 ? 'an empty array' : 'an array';
    case 'object':
      return value.pairs.size === 0 ? 'an empty object' : 'an object';
  }
}
