import type { BlockHost } from '../../driver.js';
import { BlockError } from '../../error.js';
import type { BlockOptions } from '../../options.js';
import { secretText, takeLogin, takeSslverify, takeUrlOptions } from '../shared/url-options.js';

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
  /** The URL, as it was given. */
  readonly given: string;
}

/**
 * Takes the options of a node: the URL as `filename` or `url`, `readahead`, `timeout` (seconds), `sslverify`, `cookie` or
 * `cookie-secret`, `username` and `password-secret`.
 *
 * @param scheme the driver's name, which the URL must begin with
 * @throws BlockError when one makes no sense
 */
export async function takeHttpOptions(scheme: string, options: BlockOptions, host: BlockHost): Promise<HttpOptions> {
  const common = takeUrlOptions(scheme, options);
  const { url: parsed, given, readahead, timeout, shown } = common;
  const sslverify = takeSslverify(options, common);
  const headers: { [name: string]: string } = {};
  const cookie = await takeCookie(options, host, shown);
  if (cookie !== undefined) headers.cookie = header('cookie', cookie);
  const { user, password } = await takeLogin(options, host, common);
  if (user !== '' || password !== '') {
    headers.authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  }
  parsed.username = '';
  parsed.password = '';
  parsed.hash = '';
  return { url: parsed.href, headers, readahead, timeout: timeout * 1e9, sslverify, shown, given };
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
  return secretText(await host.secret(secret));
}

/** A value that can stand in a header. */
function header(option: string, value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
  if (!/[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]/.test(value)) return value;
  throw new BlockError(`The ${option} has characters that cannot be sent in a header`, { code: 'EINVAL' });
}
