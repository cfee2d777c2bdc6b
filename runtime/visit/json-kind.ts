import { IntegralDouble } from '../json/number.js';
import type { JsonKind } from './visitor.js';

/** The JSON kind of a value; undefined when it cannot stand in JSON. */
export function jsonKind(value: unknown): JsonKind | undefined {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'object') {
    if (value === null) return 'null';
    if (Array.isArray(value)) return 'array';
    return value instanceof IntegralDouble ? 'number' : 'object';
  }
  if (typeof value === 'number' || typeof value === 'bigint') return 'number';
  return typeof value === 'boolean' ? 'boolean' : undefined;
}
