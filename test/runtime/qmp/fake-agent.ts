import { type Duplex, duplexPair } from 'node:stream';
import type { JsonObject, JsonValue } from '../../../runtime/json/value.js';

/** A request as it arrived. */
export interface AgentRequest extends JsonObject {
  execute: string;
}

/** What a fake agent says to a request: any bytes, or nothing. */
type Say = (request: AgentRequest, agent: FakeAgent) => JsonValue | undefined;

/** A guest agent at the other end of a stream, which answers what asks for a mark, and all else as a test wants. */
export class FakeAgent {
  readonly requests: AgentRequest[] = [];
  /** How often a mark was asked for. */
  marks = 0;
  /** The client's end. */
  readonly peer: Duplex;
  readonly #stream: Duplex;
  readonly #say: Say;
  #text = '';
  #asleep = false;

  constructor(say: Say = () => ({ return: {} })) {
    [this.peer, this.#stream] = duplexPair();
    this.#say = say;
    this.#stream.on('error', () => {});
    this.#stream.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1');
      if (!this.#asleep) this.wake();
    });
  }

  /** What arrives waits. */
  sleep(): void {
    this.#asleep = true;
  }

  /** Answers all that came meanwhile. */
  wake(): void {
    this.#asleep = false;
    for (let end = this.#text.indexOf('\n'); end >= 0 && !this.#asleep; end = this.#text.indexOf('\n')) {
      const line = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + 1);
      if (line.startsWith('\xff')) this.send({ error: { class: 'GenericError', desc: 'stray byte' } });
      const request = JSON.parse(line.replaceAll('\xff', '')) as AgentRequest;
      this.#answer(request);
    }
  }

  /** What came to an agent that was not running is lost. */
  forget(): void {
    this.#text = '';
  }

  #answer(request: AgentRequest): void {
    if (request.execute === 'guest-sync-delimited') {
      this.marks++;
      const said = this.#say(request, this);
      if (said === undefined || typeof said === 'object') this.mark(request);
      return;
    }
    this.requests.push(request);
    const said = this.#say(request, this);
    if (said !== undefined) this.send(said);
  }

  /** Answers a request for a mark. */
  mark({ arguments: args }: AgentRequest): void {
    this.bytes(`\xff${JSON.stringify({ return: (args as JsonObject).id })}\n`);
  }

  send(message: JsonValue): void {
    this.bytes(`${JSON.stringify(message)}\n`);
  }

  bytes(text: string): void {
    this.#stream.write(Buffer.from(text, 'latin1'));
  }

  end(): void {
    this.#stream.end();
  }
}
