import type { Answer, Dispatcher } from './dispatcher.js';
import type { ServerRequest } from './request.js';
import { Rotation } from './rotation.js';
import type { ServerSession } from './session.js';

/** Executes the requests of all monitors. Once stopped it answers none. */
export class Executor {
  /** Whose request is executed next: in-band ones run one at a time, whichever monitor they came to. */
  readonly rotation = new Rotation();
  readonly #dispatcher: Pick<Dispatcher<object>, 'execute'>;
  #stopped = false;

  constructor(dispatcher: Pick<Dispatcher<object>, 'execute'>) {
    this.#dispatcher = dispatcher;
  }

  /**
   * Executes a request.
   *
   * @returns the value to send back; `undefined` for what is not answered
   * @throws QmpError, or whatever the handler throws
   */
  execute(request: ServerRequest, session: ServerSession, signal: AbortSignal): Answer {
    return this.#stopped ? undefined : this.#dispatcher.execute(request, session, signal);
  }

  /** The server is about to end: what comes from now on is not executed. */
  stop(): void {
    this.#stopped = true;
  }
}
