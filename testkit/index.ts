/**
 * What a schema says, tried on programs: whether a program speaks it, and the visits and values that follow from it without
 * generated code.
 *
 * @example
 * ```ts
 * import { loadSchema } from 'qapi-ts';
 * import { connect } from 'qapi-ts/runtime';
 * import { checkConformance } from 'qapi-ts/testkit';
 *
 * const { schema } = await loadSchema('qapi/qapi-schema.json');
 * await using client = await connect('/run/qmp.sock');
 * if (schema) console.log((await checkConformance(client, schema)).ok);
 * ```
 *
 * @module
 */

export type { Check, CheckGroup, Excused } from './conformance/check.js';
export {
  type Conformance,
  ConformanceError,
  type ConformanceOptions,
  checkConformance,
} from './conformance/conformance.js';
export { type EventMessage, WireWatch } from './conformance/wire-watch.js';
export { Samples } from './samples.js';
export { ModelVisits, type Presence } from './schema-visits.js';
