import { IntegralDouble } from '../json/number.js';
import type { JsonKind } from './visitor.js';

/** The JSON kind of a value; undefined when it cannot stand in JSON. */
export function jsonKind(value: unknown): JsonKind | undefined {
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'number':
    case 'bigint':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return 'array';
      return value instanceof IntegralDouble ? 'number' : 'object';
    default:
      return undefined;
  }
}
