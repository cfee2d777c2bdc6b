import type { Codec } from '../json/codec.js';

/** What a handler learns about the call, beside the arguments. */
export interface CommandContext {
  /** The command's name. */
  readonly command: string;
  /** Whether it is executed out of band, beside the commands in the queue. */
  readonly outOfBand: boolean;
  /** Aborted when the client does not wait for the result any more, or the server stops. */
  readonly signal: AbortSignal;
}

/** What there is to know of a command's reply. */
export interface ReplyEntry<Result = unknown> {
  /** The command's name on the wire. */
  readonly name: string;
  /** What it returns; absent when it returns nothing, which is `{}` on the wire. */
  readonly returns?: Codec<Result>;
}

/** All that the protocol needs to know of a command. */
export interface CommandEntry<Handlers, Arguments = unknown, Result = unknown> extends ReplyEntry<Result> {
  /** Its arguments: an empty object when it has none. */
  readonly arguments: Codec<Arguments>;
  /** Calls the command's handler with arguments that have been decoded. */
  call(handlers: Handlers, args: Arguments, context: CommandContext): Result | Promise<Result>;
  /** Whether it may be executed out of band. */
  readonly allowOob?: boolean;
  /** Whether it may be executed before the machine is complete. */
  readonly allowPreconfig?: boolean;
  /** Whether its success is answered; only few commands of the guest agent say `false`. */
  readonly successResponse?: boolean;
  /** The names of its features: `deprecated` and `unstable` have fixed meanings. */
  readonly features?: readonly string[];
}

/** The commands of a schema by name. */
export type CommandTable<Handlers> = ReadonlyMap<string, CommandEntry<Handlers>>;
