import { IntegralDouble } from '../json/number.js';

/** Copies a JSON value in depth. Every key, also `__proto__`, is copied as data. */
export function cloneJson(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(cloneJson);
  if (value instanceof IntegralDouble) return value.value;
  // The spread makes every key an own property; assigning to a key that is one already never reaches a prototype's setter.
  const copy: Record<string, unknown> = { ...value };
  for (const key of Object.keys(copy)) {
    const member = copy[key];
    if (typeof member === 'object' && member !== null) copy[key] = cloneJson(member);
  }
  return copy;
}
