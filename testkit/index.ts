/**
 * What a schema says, tried on programs: a program to test against that speaks it, whether another program does, and the visits
 * and values that follow from it without generated code.
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
export { type MockAgent, type MockAgentOptions, mockAgent } from './mock/agent.js';
export type { MockAddress } from './mock/door.js';
export type { Expectation } from './mock/expectation.js';
export type { MockJobPlan } from './mock/jobs/plan.js';
export { type MockOptions, type MockQmp, mockQmp } from './mock/mock.js';
export { type MockCall, MockError } from './mock/script.js';
export type { AnyHandlers, Expected, ScriptedOptions } from './mock/scripted.js';
export type { GeneratedSchema, MockSource } from './mock/source.js';
export { type RecordedMessage, Recorder, readRecording } from './replay/recording.js';
export { type Replay, type ReplayOptions, replayQmp } from './replay/replay.js';
export { Samples } from './samples.js';
export { ModelVisits, type Presence } from './schema-visits.js';
export { type ValueOptions, Values } from './values.js';
