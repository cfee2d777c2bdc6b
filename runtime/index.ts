/** What generated code, and those who use it, need at run time. */
export type { Codec, DecodeOptions, EncodeOptions } from './json/codec.js';
export type { Int64, JsonObject, JsonValue } from './json/value.js';
export type { CommandContext, CommandEntry, CommandTable } from './qmp/command-table.js';
export { isQmpFailure, QmpError, type QmpErrorClass, type QmpFailure } from './qmp/error.js';
export type { EventEntry, EventSink, EventTable } from './qmp/event-sink.js';
export { CloneVisitor } from './visit/clone-visitor.js';
export { clone, codec, decode, encode } from './visit/codec.js';
export { enumInfo } from './visit/enum-info.js';
export { InputVisitor } from './visit/input-visitor.js';
export type { Open } from './visit/open.js';
export { OutputVisitor } from './visit/output-visitor.js';
export { own } from './visit/own.js';
export * from './visit/scalars.js';
export { VisitError, type VisitErrorKind } from './visit/visit-error.js';
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
