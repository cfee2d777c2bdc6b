import type { BlockHost } from '../../driver.js';
import { BlockError, invalid } from '../../error.js';
import { sectorSize } from '../../limits.js';
import type { BlockOptions } from '../../options.js';

/** How a file is fetched. */
export interface HttpOptions {
  /** Without user and password. */
  readonly url: string;
  readonly headers: { readonly [name: string]: string };
  /** Bytes that are fetched at a time, at least; a multiple of 512. */
  readonly readahead: number;
  /** Nanoseconds that a request may take; 0: for ever. */
  readonly timeout: number;
  /** Whether a server of the wrong name, or with a certificate that no authority has signed, is refused. */
  readonly sslverify: boolean;
  /** The options that decide what is fetched, as queries show them. */
  readonly shown: { readonly [key: string]: string | boolean };
  /** The file name that means the same; absent where one does not do. */
  readonly exactFilename: string | undefined;
}

const defaultReadahead = 256 * 1024;
/** More would not be faster, and several such blocks are kept. */
const largestReadahead = 16 * 1024 * 1024;
const defaultTimeout = 5;
/** As QEMU has it; beyond, clocks of 32 bits are not far. */
const largestTimeout = 10_000;

/**
 * Takes the options of a node: the URL as `filename` or `url`, `readahead`, `timeout` (seconds), `sslverify`, `cookie` or
 * `cookie-secret`, `username` and `password-secret`.
 *
 * @param scheme the driver's name, which the URL must begin with
 * @throws BlockError when one makes no sense
 */
export async function takeHttpOptions(scheme: string, options: BlockOptions, host: BlockHost): Promise<HttpOptions> {
  const filename = options.takeString('filename');
  const named = options.takeString('url');
  if (filename !== undefined && named !== undefined) {
    throw new BlockError("Options 'filename' and 'url' mean the same: give one of them", { code: 'EINVAL' });
  }
  const url = filename ?? named;
  if (url === undefined) {
    throw new BlockError(`Driver '${scheme}' needs a URL as option 'filename'`, { code: 'EINVAL' });
  }
  const parsed = parseUrl(scheme, url);
  const readahead = options.takeSize('readahead', { most: largestReadahead }) ?? defaultReadahead;
  if (readahead % sectorSize !== 0) {
    throw new BlockError(`Option 'readahead' is ${readahead}, but must be a multiple of ${sectorSize}`, {
      code: 'EINVAL',
    });
  }
  const timeout = options.takeInteger('timeout', { least: 0, most: largestTimeout }) ?? defaultTimeout;
  const shown: { [key: string]: string | boolean } = {};
  const sslverify = options.takeBoolean('sslverify') ?? true;
  if (!sslverify) shown.sslverify = false;
  const headers: { [name: string]: string } = {};
  const cookie = await takeCookie(options, host, shown);
  if (cookie !== undefined) headers.cookie = header('cookie', cookie);
  const authorization = await takeAuthorization(options, host, parsed, shown);
  if (authorization !== undefined) headers.authorization = authorization;
  const exactFilename = Object.keys(shown).length === 0 ? url : undefined;
  if (filename === undefined) shown.url = url;
  parsed.username = '';
  parsed.password = '';
  parsed.hash = '';
  return { url: parsed.href, headers, readahead, timeout: timeout * 1e9, sslverify, shown, exactFilename };
}

/** Refuses what `URL` mends: to it `http:x` and `http:\\x` are `http://x/`, a server that the name does not mention. */
function parseUrl(scheme: string, url: string): URL {
  if (!new RegExp(`^${scheme}://[^/\\\\]`, 'i').test(url)) {
    throw invalid(`Driver '${scheme}' opens URLs of '${scheme}://' and a server, which '${url}' is not`);
  }
  if (!URL.canParse(url)) throw new BlockError(`'${url}' is not a URL`, { code: 'EINVAL' });
  return new URL(url);
}

async function takeCookie(
  options: BlockOptions,
  host: BlockHost,
  shown: { [key: string]: string | boolean },
): Promise<string | undefined> {
  const cookie = options.takeString('cookie');
  const secret = options.takeString('cookie-secret');
  if (cookie !== undefined && secret !== undefined) {
    throw new BlockError("Options 'cookie' and 'cookie-secret' cannot be given together", { code: 'EINVAL' });
  }
  if (cookie !== undefined) shown.cookie = cookie;
  if (secret === undefined) return cookie;
  shown['cookie-secret'] = secret;
  return text(await host.secret(secret));
}

async function takeAuthorization(
  options: BlockOptions,
  host: BlockHost,
  url: URL,
  shown: { [key: string]: string | boolean },
): Promise<string | undefined> {
  const username = options.takeString('username');
  const secret = options.takeString('password-secret');
  if (username !== undefined) shown.username = username;
  if (secret !== undefined) shown['password-secret'] = secret;
  const user = username ?? decoded(url.username);
  const password = secret === undefined ? decoded(url.password) : text(await host.secret(secret));
  if (user === '' && password === '') return undefined;
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new BlockError('User or password in the URL is not percent-encoded as it must be', { code: 'EINVAL' });
  }
}

function text(secret: Uint8Array): string {
  return Buffer.from(secret).toString();
}

/** A value that can stand in a header. */
function header(option: string, value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
  if (!/[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]/.test(value)) return value;
  throw new BlockError(`The ${option} has characters that cannot be sent in a header`, { code: 'EINVAL' });
}
