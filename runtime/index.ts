/** What generated code and its users need at run time. */
export type { Codec, DecodeOptions, Difference, DifferenceKind, EncodeOptions } from './json/codec.js';
export type { Int64, JsonObject, JsonValue } from './json/value.js';
export { type AgentClient, type AgentSchema, connectAgent } from './qmp/agent.js';
export { connect, type QmpClient } from './qmp/client.js';
export type {
  ConnectOptions,
  ExecuteOptions,
  ValidateOptions,
} from './qmp/client-options.js';
export type { CommandContext, CommandEntry, CommandTable, ReplyEntry } from './qmp/command-table.js';
export type { WaitOptions } from './qmp/deadline.js';
export type { EndOptions } from './qmp/end-program.js';
export type { QmpAddress } from './qmp/endpoint.js';
export { isQmpFailure, QmpError, type QmpErrorClass, type QmpFailure } from './qmp/error.js';
export type { EventEntry, EventSink, EventTable } from './qmp/event-sink.js';
export type { EventStream, EventStreamOptions } from './qmp/event-stream.js';
export { QmpConnectionError, QmpTimeoutError } from './qmp/failure.js';
export type { QmpGreeting } from './qmp/greeting.js';
export { type GuestExecAgent, type GuestExecOptions, type GuestExecResult, guestExec } from './qmp/guest-exec.js';
export { type HmpOptions, hmp } from './qmp/hmp.js';
export { followJob, runJob } from './qmp/job.js';
export {
  type FollowOptions,
  JobError,
  type JobOptions,
  type JobOutcome,
  type JobProgress,
  type JobResult,
} from './qmp/job-options.js';
export type { QmpOddity } from './qmp/link.js';
export type { CommandMethods, UnknownEvent } from './qmp/methods.js';
export { type MigrateOptions, MigrationError, migrate } from './qmp/migrate.js';
export type { MonitorProcess } from './qmp/monitor-process.js';
export {
  type BackOffOptions,
  backOff,
  type ConnectionLoss,
  type Reconnect,
  type Reconnection,
} from './qmp/reconnect.js';
export type { ProgramExit } from './qmp/running-program.js';
export type {
  AnySchema,
  EventTimestamp,
  Needs,
  NoArguments,
  QmpEvent,
  QmpSchema,
  SchemaSince,
} from './qmp/schema.js';
export {
  type AgentBuiltin,
  type AgentServer,
  type AgentServerOptions,
  createAgentServer,
} from './qmp/server/agent-server.js';
export type { BuiltinCommand } from './qmp/server/builtins.js';
export { type RateLimit, type RateLimits, rateLimitsOf, referenceRateLimits } from './qmp/server/event-limits.js';
export type { ListenAddress } from './qmp/server/listen.js';
export { ListenError } from './qmp/server/listen-error.js';
export type { OlderForms } from './qmp/server/older-forms.js';
export type { CompatPolicy } from './qmp/server/policy.js';
export type { ServerProblem } from './qmp/server/problem.js';
export {
  createQmpServer,
  type PartialServerOptions,
  QmpServer,
  type QmpServerOptions,
  type ServerHandlers,
  type ServerVersion,
} from './qmp/server/server.js';
export { since } from './qmp/since.js';
export {
  type SpawnedProgram,
  type SpawnOptions,
  spawnQemu,
  spawnStorageDaemon,
} from './qmp/spawn.js';
export type { StreamPair } from './qmp/streams.js';
export { type Capability, supports } from './qmp/supports.js';
export { UnplugError, unplug } from './qmp/unplug.js';
export {
  checkedBy,
  QmpSchemaError,
  type SchemaCheck,
  type SchemaDifference,
  type SchemaParts,
  type SchemaTables,
} from './qmp/validation.js';
export { type WireLogOptions, wireLog } from './qmp/wire-log.js';
export { CloneVisitor } from './visit/clone-visitor.js';
export { clone, codec, decode, encode, examine } from './visit/codec.js';
export { enumInfo } from './visit/enum-info.js';
export { InputVisitor } from './visit/input-visitor.js';
export {
  formatKeyval,
  type Keyval,
  type KeyvalObject,
  type KeyvalOptions,
  mergeKeyval,
  parseKeyval,
} from './visit/keyval-text.js';
export { KeyvalVisitor } from './visit/keyval-visitor.js';
export type { Open } from './visit/open.js';
export { OptionError } from './visit/option-error.js';
export { readKeyval, readOption, readOpts, readString, writeOption, writeString } from './visit/options.js';
export { type Opts, type OptsTable, type OptsType, parseOpts } from './visit/opts-text.js';
export { OutputVisitor } from './visit/output-visitor.js';
export { own } from './visit/own.js';
export * from './visit/scalars.js';
export { VisitError } from './visit/visit-error.js';
export type {
  EnumInfo,
  JsonKind,
  Members,
  Name,
  SpecialFeature,
  Visit,
  VisitMembers,
  Visitor,
} from './visit/visitor.js';
export { WalkVisitor } from './visit/walk-visitor.js';
