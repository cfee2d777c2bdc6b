import { type Duplex, duplexPair } from 'node:stream';
import { onTestFinished } from 'vitest';
import { REQUEST_LIMITS } from '../../../runtime/json/limits.js';
import { RequestReader } from '../../../runtime/json/request-reader.js';
import { stringifyReply } from '../../../runtime/json/stringify-reply.js';
import type { JsonObject, JsonValue } from '../../../runtime/json/value.js';
import { connect, type QmpClient } from '../../../runtime/qmp/client.js';
import type { ConnectOptions } from '../../../runtime/qmp/client-options.js';
import { QmpConnectionError } from '../../../runtime/qmp/failure.js';
import type { AnySchema, QmpSchema } from '../../../runtime/qmp/schema.js';

export const GREETING = {
  QMP: { version: { qemu: { major: 7, minor: 2, micro: 0 }, package: 'test' }, capabilities: ['oob'] },
};

/** A request as it arrived. */
export interface Received extends JsonObject {
  execute: string;
  id: string;
}

/** What a handler answers with; nothing at all when it returns `undefined`. */
type Answer = JsonObject | undefined;

/** A server at the other end of a stream, which says what a test wants it to say. */
export class FakeServer {
  readonly received: Received[] = [];
  /** The client's end. */
  readonly peer: Duplex;
  readonly #stream: Duplex;
  readonly #reader = new RequestReader(REQUEST_LIMITS);
  #answer: (request: Received, server: FakeServer) => Answer;
  readonly #expecting: { count: number; resolve(): void }[] = [];

  constructor(answer: (request: Received, server: FakeServer) => Answer = () => ({ return: {} })) {
    [this.peer, this.#stream] = duplexPair();
    this.#answer = answer;
    this.#stream.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#stream.on('error', () => {});
  }

  /** From now on answers by this. */
  answerWith(answer: (request: Received, server: FakeServer) => Answer): void {
    this.#answer = answer;
  }

  /** Sends a message, or text as it is. */
  send(message: JsonValue | Buffer): void {
    this.#stream.write(
      typeof message === 'string' || Buffer.isBuffer(message) ? message : `${stringifyReply(message as JsonValue)}\r\n`,
    );
  }

  event(event: string, data?: JsonObject, seconds = 1_600_000_000): void {
    this.send({ event, ...(data && { data }), timestamp: { seconds, microseconds: 123_456 } });
  }

  /** Answers a request that was left without an answer. */
  reply(request: Received | undefined, answer: JsonObject): void {
    this.send({ ...answer, id: request?.id ?? null });
  }

  /** Hangs up. */
  end(): void {
    this.#stream.end();
  }

  destroy(): void {
    this.#stream.destroy();
  }

  /** Waits until so many requests have come, negotiation left out. */
  async until(count: number): Promise<void> {
    if (this.received.length >= count) return;
    await new Promise<void>((resolve) => this.#expecting.push({ count, resolve }));
  }

  #receive(chunk: Buffer): void {
    this.#reader.push(chunk);
    for (let incoming = this.#reader.next(); incoming; incoming = this.#reader.next()) {
      if (incoming.error) continue;
      const request = incoming.value as Received;
      if (request.execute === 'qmp_capabilities') {
        this.reply(request, { return: {} });
        continue;
      }
      this.received.push(request);
      for (const { count, resolve } of this.#expecting) if (this.received.length >= count) resolve();
      const answer = this.#answer(request, this);
      if (answer) this.reply(request, answer);
    }
  }
}

/** A place where a new server answers each time, as long as there are some. */
export function place(...servers: FakeServer[]) {
  const waiting = [...servers];
  let opened = 0;
  return {
    get opened() {
      return opened;
    },
    open: () => {
      opened++;
      const server = waiting.shift();
      if (!server) throw new QmpConnectionError('no server is there');
      server.send(GREETING);
      return server.peer;
    },
  };
}

/** A server that has greeted and a client that has connected to it. */
export async function connected<S extends QmpSchema = AnySchema>(
  options: ConnectOptions = {},
  answer?: (request: Received, server: FakeServer) => Answer,
): Promise<{ server: FakeServer; client: QmpClient<S> }> {
  const server = new FakeServer(answer);
  server.send(GREETING);
  const client = await connect<S>(server.peer, options);
  onTestFinished(() => client.close());
  return { server, client };
}
