import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A web server with one file, which it can be made to hand out in all the ways that servers have, or wrongly. */
export class FileServer {
  /** The file; everything below `/disk` is it. */
  bytes: Uint8Array;
  etag: string | undefined;
  /** `METHOD range` of each request, in order. */
  readonly requests: string[] = [];
  readonly headers: IncomingMessage['headers'][] = [];
  /** Most requests that were being answered at a time. */
  busiest = 0;
  /** Answers instead of the server: by returning true. */
  onRequest: (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean> = () => false;
  #busy = 0;
  readonly #server: Server;
  readonly #scheme: string;

  /** @param make makes the server; default: one that does not encrypt */
  constructor(bytes: Uint8Array, make: (listener: RequestListener) => Server = createServer) {
    this.bytes = bytes;
    this.#server = make((request, response) => void this.#answer(request, response));
    this.#scheme = make === createServer ? 'http' : 'https';
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  url(path = '/disk'): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { range } = request.headers;
    this.requests.push([request.method, range].join(' ').trim());
    this.headers.push(request.headers);
    this.busiest = Math.max(this.busiest, ++this.#busy);
    response.on('close', () => this.#busy--);
    if (await this.onRequest(request, response)) return;
    if (!request.url?.startsWith('/disk')) {
      response.writeHead(404).end();
      return;
    }
    if (this.etag !== undefined) response.setHeader('etag', this.etag);
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
    const { bytes } = this;
    response.setHeader('accept-ranges', 'bytes');
    if (first === undefined || last === undefined) {
      response.writeHead(200, { 'content-length': bytes.length });
      response.end(request.method === 'HEAD' ? undefined : bytes);
    } else if (Number(first) >= bytes.length) {
      response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
    } else {
      const part = bytes.subarray(Number(first), Number(last) + 1);
      response.writeHead(206, {
        'content-range': `bytes ${first}-${Number(first) + part.length - 1}/${bytes.length}`,
        'content-length': part.length,
      });
      response.end(part);
    }
  }
}
