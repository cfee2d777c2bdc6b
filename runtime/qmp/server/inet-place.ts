import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

/** The only version of IP that may be used; absent: any. */
export type InetFamily = 4 | 6 | undefined;

/**
 * The version of IP that the members `ipv4` and `ipv6` of an address leave. One that is on excludes the other unless that is on, too.
 *
 * @returns `none` when both are off
 */
export function familyOf(ipv4: boolean | undefined, ipv6: boolean | undefined): InetFamily | 'none' {
  if (ipv4 === false && ipv6 === false) return 'none';
  if (ipv4 && ipv6) return undefined;
  if (ipv6 || ipv4 === false) return 6;
  return ipv4 || ipv6 === false ? 4 : undefined;
}

function failure(message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code: 'EAI_ADDRFAMILY' });
}

/**
 * The address that a host name stands for in one version of IP.
 *
 * @param numeric names are not looked up
 * @throws Error when there is none
 */
export async function hostIn(host: string, family: InetFamily, numeric = false): Promise<string> {
  const own = isIP(host);
  if (own !== 0 && (family === undefined || own === family)) return host;
  if (own !== 0) throw failure(`'${host}' is no address of IPv${family}`);
  if (numeric) throw failure(`'${host}' is a name, and with 'numeric' none is looked up`);
  if (family === undefined) return host;
  return (await lookup(host, { family })).address;
}
