/**
 * A 64-bit integer of the wire: a `number` when it is a safe integer, else a `bigint`. Exact either way.
 * Signed QAPI types hold -2^63 … 2^63-1, unsigned ones 0 … 2^64-1.
 */
export type Int64 = number | bigint;

/** Any JSON value, lossless: integers beyond the safe range are `bigint`s. The TypeScript type of QAPI's `any`. */
export type JsonValue = null | boolean | string | number | bigint | JsonValue[] | JsonObject;

/** A JSON object. Its keys are data: `__proto__` is a key like any other. */
export interface JsonObject {
  [key: string]: JsonValue;
}

/** Whether a value is a JSON object, and not a list or `null`. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
