/* What drivers that fetch from a URL have in common: `filename` or `url`, `readahead`, `timeout`, `username` and `password-secret`. */

import type { BlockHost } from '../../driver.js';
import { BlockError, invalid } from '../../error.js';
import { sectorSize } from '../../limits.js';
import type { BlockOptions } from '../../options.js';

/** What such options say. */
export interface UrlOptions {
  /** With user and password, if they are in it. */
  readonly url: URL;
  /** The name or address of the server, without brackets. */
  readonly server: string;
  /** As it was given. */
  readonly given: string;
  /** Bytes that are fetched at a time, at least; a multiple of 512. */
  readonly readahead: number;
  /** Seconds that a request may take; 0: for ever. */
  readonly timeout: number;
  /** The options that decide what is fetched, as queries show them. */
  readonly shown: { [key: string]: string | boolean };
}

const defaultReadahead = 256 * 1024;
/** More would not be faster, and several such blocks are kept. */
const largestReadahead = 16 * 1024 * 1024;
const defaultTimeout = 5;
/** As QEMU has it; beyond, clocks of 32 bits are not far. */
const largestTimeout = 10_000;

/**
 * Takes the URL, `readahead` and `timeout`.
 *
 * @param scheme the driver's name, which the URL must begin with
 * @throws BlockError when one makes no sense
 */
export function takeUrlOptions(scheme: string, options: BlockOptions): UrlOptions {
  const filename = options.takeString('filename');
  const named = options.takeString('url');
  if (filename !== undefined && named !== undefined) {
    throw new BlockError("Options 'filename' and 'url' mean the same: give one of them", { code: 'EINVAL' });
  }
  const given = filename ?? named;
  if (given === undefined) {
    throw new BlockError(`Driver '${scheme}' needs a URL as option 'filename'`, { code: 'EINVAL' });
  }
  const url = parseUrl(scheme, given);
  const readahead = options.takeSize('readahead', { most: largestReadahead }) ?? defaultReadahead;
  if (readahead % sectorSize !== 0) {
    throw new BlockError(`Option 'readahead' is ${readahead}, but must be a multiple of ${sectorSize}`, {
      code: 'EINVAL',
    });
  }
  const timeout = options.takeInteger('timeout', { least: 0, most: largestTimeout }) ?? defaultTimeout;
  const server = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return { url, server, given, readahead, timeout, shown: filename === undefined ? { url: given } : {} };
}

/** Refuses what `URL` mends: to it `http:x` and `http:\\x` are `http://x/`, a server that the name does not mention. */
function parseUrl(scheme: string, url: string): URL {
  if (!new RegExp(`^${scheme}://[^/\\\\]`, 'i').test(url)) {
    throw invalid(`Driver '${scheme}' opens URLs of '${scheme}://' and a server, which '${url}' is not`);
  }
  if (!URL.canParse(url)) throw new BlockError(`'${url}' is not a URL`, { code: 'EINVAL' });
  return new URL(url);
}

/** Takes `username` and `password-secret`, or what the URL has of them; empty where there is neither. */
export async function takeLogin(
  options: BlockOptions,
  host: BlockHost,
  { url, shown }: UrlOptions,
): Promise<{ user: string; password: string }> {
  const username = options.takeString('username');
  const secret = options.takeString('password-secret');
  if (username !== undefined) shown.username = username;
  if (secret !== undefined) shown['password-secret'] = secret;
  return {
    user: username ?? decodePart(url.username),
    password: secret === undefined ? decodePart(url.password) : secretText(await host.secret(secret)),
  };
}

/** Takes `sslverify`: whether a server of the wrong name, or with a certificate that no authority has signed, is refused. */
export function takeSslverify(options: BlockOptions, { shown }: UrlOptions): boolean {
  const sslverify = options.takeBoolean('sslverify') ?? true;
  if (!sslverify) shown.sslverify = false;
  return sslverify;
}

/** A secret as text. */
export function secretText(secret: Uint8Array): string {
  return Buffer.from(secret).toString();
}

/** A percent-encoded part of a URL. @throws BlockError when it is not encoded as it must be */
export function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new BlockError('User, password or path in the URL is not percent-encoded as it must be', { code: 'EINVAL' });
  }
}
