import type { JsonObject, JsonValue } from '../json/value.js';
import { QmpConnectionError } from './failure.js';
import type { QmpGreeting } from './greeting.js';
import type { Stranger } from './stranger.js';
import type { OpenedStreams } from './streams.js';

/** Something arrived that no one waits for or that cannot be read. The connection goes on. */
export type QmpOddity =
  | { readonly kind: 'malformed'; readonly error: Error }
  | { readonly kind: 'invalid-event'; readonly message: JsonObject; readonly error: Error }
  | { readonly kind: 'unsolicited-reply'; readonly message: JsonObject }
  | { readonly kind: 'unknown-message'; readonly message: JsonValue };

/** A request on its way. */
export interface Request {
  readonly command: string;
  readonly arguments: JsonObject | undefined;
  readonly oob: boolean;
  resolve(value: JsonValue): void;
  reject(error: unknown): void;
  /** The caller does not wait for the reply any more. */
  abandoned?: boolean;
  /** Something unreadable arrived after it was sent: it may have been its reply. */
  doubtful?: boolean;
}

/** Fails a request for want of a connection. */
export function fail({ command, reject }: Request, message: string, cause?: Error): void {
  reject(new QmpConnectionError(message, { command, cause }));
}

/** One connection to a server, over which commands can be executed once it is ready. */
export interface Link {
  /** The peer, as long as it has not opened the conversation as it should. */
  readonly stranger: Stranger | undefined;
  /**
   * Sends a request, or keeps it until the server has room.
   *
   * @throws TypeError when its arguments have no form in JSON
   */
  send(request: Request): void;
  /** Gives up on a request. What has been sent cannot be taken back; its reply will be ignored. */
  abandon(request: Request): void;
  /** Makes a peer that has not said anything show what it is. It may be what it should be, and only late. */
  provoke?(): void;
  /** Ends the connection from this side. */
  close(): void;
}

/** What a link reports to its session. */
export interface LinkHooks {
  /** Commands can be executed from now on. That happens at most once. */
  ready(greeting: QmpGreeting | undefined, oob: boolean): void;
  /** It will never be ready. */
  failed(error: unknown): void;
  event(message: JsonObject): void;
  oddity(oddity: QmpOddity): void;
  /** Receives every message that goes over the wire, if the user wants to see them. */
  readonly log: ((direction: 'sent' | 'received', message: JsonValue) => void) | undefined;
  /**
   * The connection is gone, and all its requests have been rejected.
   *
   * @param error absent when this side closed it
   * @param lost the commands that were sent and not answered
   * @param quit whether the server ended because it was asked to
   */
  end(error: QmpConnectionError | undefined, lost: readonly string[], quit: boolean): void;
}

/** How a link is made of a pair of streams. The one of QMP servers is `qmpProtocol`, the one of guest agents `agentProtocol`. */
export type Protocol = (streams: OpenedStreams, name: string, hooks: LinkHooks, wantsOob: boolean) => Link;
