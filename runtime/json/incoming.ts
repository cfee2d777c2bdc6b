import type { JsonSyntaxError } from './syntax-error.js';
import type { JsonValue } from './value.js';

/** What a reader found in a stream: a value, or what is wrong with the bytes that it dropped. */
export type Incoming =
  | { readonly value: JsonValue; readonly error?: undefined }
  | { readonly value?: undefined; readonly error: JsonSyntaxError };
