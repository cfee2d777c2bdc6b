import type { DecodeOptions, Difference, EncodeOptions } from '../../json/codec.js';
import type { JsonObject, JsonValue } from '../../json/value.js';
import type { CommandEntry, CommandTable } from '../command-table.js';
import { QmpError } from '../error.js';
import type { Builtin } from './builtins.js';
import { inTodaysForm, type OlderForms } from './older-forms.js';
import { type CompatPolicy, crashesAt, decodingBy, type RejectedFeature, rejectedFor } from './policy.js';
import type { ServerRequest } from './request.js';
import type { ServerSession } from './session.js';

/** The value to send back, `undefined` where none is sent; a promise of it when the handler takes time. */
export type Answer = JsonValue | undefined | Promise<JsonValue | undefined>;

/** What a dispatcher executes commands with. */
export interface DispatcherOptions<Handlers> {
  readonly commands: CommandTable<Handlers>;
  readonly handlers: Handlers;
  /** Whether commands may be without a handler: then they are not there, as if the schema did not have them. */
  readonly partial: boolean;
  readonly builtins: { readonly [name: string]: Builtin };
  readonly olderForms?: OlderForms | undefined;
  readonly policy: CompatPolicy;
  /** Ends the program, where the policy can want that. */
  crash?(reason: string): void;
  /** Whether the machine is not complete yet, so that only commands with `allow-preconfig` may run. */
  preconfig(): boolean;
}

/** Executes requests: checks in the reference's order, decodes the arguments, calls the handler, encodes the result. */
export class Dispatcher<Handlers> {
  readonly #options: DispatcherOptions<Handlers>;
  readonly #decoding: DecodeOptions | undefined;
  readonly #encoding: EncodeOptions | undefined;

  constructor(options: DispatcherOptions<Handlers>) {
    this.#options = options;
    const { deprecatedOutput, unstableOutput } = options.policy;
    const hides = deprecatedOutput === 'hide' || unstableOutput === 'hide';
    this.#decoding = decodingBy(options.policy);
    this.#encoding = hides ? { deprecated: deprecatedOutput, unstable: unstableOutput } : undefined;
  }

  /**
   * Executes a request.
   *
   * @returns the value to send back; `undefined` for a command whose success is not answered
   * @throws QmpError, or whatever the handler throws
   */
  execute(request: ServerRequest, session: ServerSession, signal: AbortSignal): Answer {
    const { command } = request;
    const builtin = this.#builtin(command);
    const entry = this.#entry(command);
    if (session.negotiating && command !== 'qmp_capabilities') {
      throw new QmpError("Expected 'qmp_capabilities' to end the negotiation before any other command", {
        class: 'CommandNotFound',
      });
    }
    if (!builtin && !entry) throw new QmpError(`There is no command '${command}'`, { class: 'CommandNotFound' });
    this.#check(request, entry);
    const early = builtin !== undefined || entry?.allowPreconfig;
    if (!early && this.#options.preconfig()) {
      throw new QmpError(`Command '${command}' must wait until the machine is complete`);
    }
    if (builtin) return builtin(request.arguments, session);
    return this.#call(entry as CommandEntry<Handlers>, request, signal);
  }

  #entry(command: string): CommandEntry<Handlers> | undefined {
    const { commands, handlers, partial } = this.#options;
    return partial && !isHandled(handlers as object, command) ? undefined : commands.get(command);
  }

  #builtin(command: string): Builtin | undefined {
    const { builtins } = this.#options;
    return Object.hasOwn(builtins, command) ? builtins[command] : undefined;
  }

  #check({ command, outOfBand }: ServerRequest, entry: CommandEntry<Handlers> | undefined): void {
    const feature = rejectedFor(entry?.features, this.#decoding);
    if (feature !== undefined) {
      this.#crashAt(feature, `command '${command}'`);
      throw new QmpError(`Command '${command}' is ${feature}, which this server does not accept`, {
        class: 'CommandNotFound',
      });
    }
    if (outOfBand && !entry?.allowOob) throw new QmpError(`Command '${command}' cannot be executed out of band`);
  }

  #call(entry: CommandEntry<Handlers>, request: ServerRequest, signal: AbortSignal): Answer {
    const args = this.#arguments(entry, request);
    const context = { command: request.command, outOfBand: request.outOfBand, signal };
    const result = entry.call(this.#options.handlers, args, context);
    return isPromise(result) ? result.then((value) => this.#encode(entry, value)) : this.#encode(entry, result);
  }

  #arguments(entry: CommandEntry<Handlers>, request: ServerRequest): unknown {
    const given = this.#inTodaysForm(request);
    if (this.#decoding === undefined) return entry.arguments.decode(given);
    try {
      return entry.arguments.decode(given, this.#decoding);
    } catch (error) {
      const { feature, message } = error as Partial<Difference>;
      this.#crashAt(feature, `'${request.command}' with ${message}`);
      throw error;
    }
  }

  /** Arguments in today's form. An older one is left as it is where it is rejected: the schema's own check names what is wrong. */
  #inTodaysForm({ command, arguments: args }: ServerRequest): JsonObject {
    const today = inTodaysForm(this.#options.olderForms, command, args);
    if (today === undefined) return args;
    this.#crashAt('deprecated', `the older form of '${command}'`);
    return this.#decoding?.deprecated === 'reject' ? args : today;
  }

  /** Ends the program where the policy says so. */
  #crashAt(feature: RejectedFeature | undefined, what: string): void {
    const { policy, crash } = this.#options;
    if (crashesAt(feature, policy)) crash?.(`${what} is ${feature}, and the policy is to end the program at that`);
  }

  #encode(entry: CommandEntry<Handlers>, result: unknown): JsonValue | undefined {
    if (entry.successResponse === false) return undefined;
    if (!entry.returns) return {};
    try {
      return entry.returns.encode(result, this.#encoding);
    } catch (cause) {
      // A handler that returns what its type does not allow is no fault of the client.
      throw new TypeError(`The handler of '${entry.name}' returned a wrong value`, { cause });
    }
  }
}

/** Whether there is a handler of a command: a method of the handlers, or of the class that they are of. */
export function isHandled(handlers: object, command: string): boolean {
  return !(command in Object.prototype) && typeof (handlers as Record<string, unknown>)[command] === 'function';
}

/** Whether a value is a promise, of whatever make. */
export function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
