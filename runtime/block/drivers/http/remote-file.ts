import type { BlockHost } from '../../driver.js';
import { isErrno } from '../../errno.js';
import { BlockError } from '../../error.js';
import { largestSize } from '../../limits.js';
import { Gate } from '../shared/gate.js';
import { type Agent, unverifyingAgent } from './agent.js';
import type { HttpOptions } from './options.js';

/** As many requests as run at a time for one file. */
const mostRequests = 8;

/** What tells one version of a file from another. */
interface Version {
  /** Bytes. */
  readonly length: number;
  /** A strong one; others do not promise the same bytes. */
  readonly etag: string | undefined;
}

/** A file on a server that gives out parts of it. */
export class RemoteFile {
  readonly #options: HttpOptions;
  readonly #host: BlockHost;
  readonly #agent: Agent | undefined;
  readonly #gate = new Gate(mostRequests);
  readonly #running = new Set<AbortController>();
  /** Where the server has last sent us, which the operator allows. */
  #location: string;
  #version: Version = { length: 0, etag: undefined };
  #closed = false;

  private constructor(options: HttpOptions, host: BlockHost, agent: Agent | undefined) {
    this.#options = options;
    this.#host = host;
    this.#agent = agent;
    this.#location = options.url;
  }

  /** @throws BlockError when there is no such file, or the server cannot send a part of it alone */
  static async open(options: HttpOptions, host: BlockHost): Promise<RemoteFile> {
    await host.authorize(options.url);
    const file = new RemoteFile(options, host, options.sslverify ? undefined : await unverifyingAgent());
    try {
      file.#version = await file.#measure();
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Bytes. */
  get length(): number {
    return this.#version.length;
  }

  /**
   * Fills buffers that follow each other with what begins at `offset`. The range is inside of the file.
   *
   * @throws BlockError when the server fails, sends something else, or takes too long
   */
  fetch(offset: number, buffers: readonly Uint8Array[]): Promise<void> {
    const end = buffers.reduce((position, { length }) => position + length, offset);
    return this.#request('GET', `bytes=${offset}-${end - 1}`, async (response) => {
      this.#checkPart(response, offset, end);
      await this.#fill(response, buffers, end - offset);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const controller of this.#running) controller.abort(this.#fail('the node was closed', 'ECANCELED'));
    await this.#agent?.destroy();
  }

  /** Asks for the length. Servers need not answer HEAD, nor name the length there: a part of the file must tell both. */
  async #measure(): Promise<Version> {
    const announced = await this.#request('HEAD', undefined, async (response): Promise<Version | undefined> => {
      const length = response.headers.get('content-length');
      const ranges = response.headers.get('accept-ranges') ?? '';
      if (!response.ok || length === null || !/\bbytes\b/i.test(ranges)) return undefined;
      return { length: this.#readLength(length), etag: strongTag(response) };
    });
    if (announced !== undefined) return announced;
    return this.#request('GET', 'bytes=0-0', async (response) => {
      const etag = strongTag(response);
      const [, total] = /^bytes (?:0-0|\*)\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '') ?? [];
      if (response.status === 206 && total !== undefined) return { length: this.#readLength(total), etag };
      const empty = response.status === 416 ? total === '0' : response.headers.get('content-length') === '0';
      if ((response.ok || response.status === 416) && empty) return { length: 0, etag };
      if (!response.ok) throw this.#refused(response);
      throw this.#fail("the server cannot send parts of a file ('Range'), which a disk image needs", 'ENOTSUP');
    });
  }

  #readLength(text: string): number {
    if (!/^\d+$/.test(text)) throw this.#fail(`the server does not tell the length of the file, but '${text}'`);
    const length = Number(text);
    if (length > largestSize) throw this.#fail(`the file is too large: ${text} bytes`, 'EFBIG');
    return length;
  }

  #checkPart(response: Response, offset: number, end: number): void {
    const { length, etag } = this.#version;
    const range = response.headers.get('content-range') ?? '';
    const [, first, last, total = '*'] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(range) ?? [];
    const now = strongTag(response);
    const otherLength =
      (response.status === 206 && total !== '*' && Number(total) !== length) || response.status === 416;
    if (otherLength || (response.ok && etag !== undefined && now !== undefined && now !== etag)) {
      throw this.#fail('the file has changed on the server since it was opened; open it again');
    }
    if (!response.ok) throw this.#refused(response);
    if (response.status !== 206 || Number(first) !== offset || Number(last) !== end - 1) {
      throw this.#fail(`asked for bytes ${offset}-${end - 1}, but the server sends '${range || 'the whole file'}'`);
    }
    const encoding = response.headers.get('content-encoding') ?? 'identity';
    if (encoding !== 'identity') throw this.#fail(`the server sends the file encoded as '${encoding}'`);
  }

  async #fill(response: Response, buffers: readonly Uint8Array[], expected: number): Promise<void> {
    let received = 0;
    let current = 0;
    let filled = 0;
    for await (const chunk of response.body ?? []) {
      let rest: Uint8Array = chunk;
      received += rest.length;
      // Leaving the loop ends the transfer.
      if (received > expected)
        throw this.#fail(`the server sends more than the ${expected} bytes that it was asked for`);
      while (rest.length > 0) {
        const buffer = buffers[current] ?? rest;
        const part = rest.subarray(0, buffer.length - filled);
        buffer.set(part, filled);
        filled += part.length;
        rest = rest.subarray(part.length);
        if (filled === buffer.length) {
          current++;
          filled = 0;
        }
      }
    }
    if (received < expected) throw this.#fail(`the server has sent ${received} of ${expected} bytes`);
  }

  #request<Result>(method: string, range: string | undefined, use: (response: Response) => Promise<Result>) {
    return this.#gate.run(async () => {
      if (this.#closed) throw this.#fail('the node was closed', 'ECANCELED');
      const controller = new AbortController();
      const { timeout } = this.#options;
      const giveUp = () => controller.abort(this.#fail(`no answer within ${timeout / 1e9} s`, 'ETIMEDOUT'));
      const timer = timeout === 0 ? undefined : this.#host.clock.after(timeout, giveUp);
      this.#running.add(controller);
      try {
        const response = await this.#send(method, range, controller.signal);
        try {
          await this.#checkLocation(response);
          return await use(response);
        } finally {
          if (!response.bodyUsed) await response.body?.cancel();
        }
      } catch (error) {
        throw this.#blockError(error);
      } finally {
        timer?.cancel();
        this.#running.delete(controller);
      }
    });
  }

  async #send(method: string, range: string | undefined, signal: AbortSignal): Promise<Response> {
    const { url, headers } = this.#options;
    const send = () =>
      fetch(url, {
        method,
        // With a range, `fetch` itself asks for what is not compressed.
        headers: { ...headers, ...(range === undefined ? { 'accept-encoding': 'identity' } : { range }) },
        signal,
        ...(this.#agent === undefined ? {} : { dispatcher: this.#agent }),
      });
    try {
      return await send();
    } catch (error) {
      // A server may close a connection just when it is to be used again. That says nothing of the next one.
      if (signal.aborted || !lostConnection(error)) throw error;
      return await send();
    }
  }

  /** A server may send us elsewhere; the operator has a say in that, too. */
  async #checkLocation(response: Response): Promise<void> {
    const { url, redirected } = response;
    if (!redirected || url === this.#location) return;
    await this.#host.authorize(url);
    this.#location = url;
  }

  #refused({ status, statusText }: Response): BlockError {
    const code = status === 404 || status === 410 ? 'ENOENT' : status === 401 || status === 403 ? 'EACCES' : 'EIO';
    return this.#fail(`the server answers ${status} ${statusText}`.trimEnd(), code);
  }

  #blockError(error: unknown): BlockError {
    if (error instanceof BlockError) return error;
    const cause = causeOf(error);
    if (cause === undefined) throw error;
    return this.#fail(cause.message || String(cause.code), isErrno(cause.code) ? cause.code : 'EIO', error);
  }

  #fail(problem: string, code: BlockError['code'] = 'EIO', cause?: unknown): BlockError {
    return new BlockError(`'${this.#options.url}': ${problem}`, { code, cause });
  }
}

/** Why `fetch` has failed: it says so in the cause of a TypeError. Nothing when it is no failure of a transfer. */
function causeOf(error: unknown): { readonly message: string; readonly code?: unknown } | undefined {
  if (!(error instanceof TypeError)) return undefined;
  return error.cause instanceof Error ? error.cause : undefined;
}

function lostConnection(error: unknown): boolean {
  const code = causeOf(error)?.code;
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'UND_ERR_SOCKET';
}

function strongTag(response: Response): string | undefined {
  const tag = response.headers.get('etag');
  return tag === null || tag.startsWith('W/') ? undefined : tag;
}
