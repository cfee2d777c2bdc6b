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

/** Whether a value is one that the reference, by the rules of Python, takes for nothing. */
export function isEmpty(value: SyntaxValue): boolean {
  switch (value.kind) {
    case 'string':
      return value.value === '';
    case 'boolean':
      return !value.value;
    case 'null':
      return true;
    case 'array':
      return value.elements.length === 0;
    case 'object':
      return value.pairs.size === 0;
  }
}
