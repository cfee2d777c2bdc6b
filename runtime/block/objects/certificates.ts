import { type KeyObject, X509Certificate } from 'node:crypto';
import { invalid } from '../error.js';

/** The object identifiers of what a certificate may be used for. Source: RFC 5280, 4.2.1.12. */
const purposes = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;
const anyPurpose = '2.5.29.37.0';

/** The certificates of a file. @throws BlockError when there is none */
function certificatesIn(pem: Buffer, path: string): X509Certificate[] {
  const blocks = pem.toString('latin1').match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw invalid(`Unable to import certificate ${path}: there is none in it`);
  return blocks.map((block) => read(block, path));
}

function read(block: string, path: string): X509Certificate {
  try {
    return new X509Certificate(block);
  } catch (error) {
    throw invalid(`Unable to import certificate ${path}: ${(error as Error).message}`);
  }
}

/**
 * Checks the certificates that vouch for others.
 *
 * @throws BlockError when one is none that does, or is not valid now
 */
export function checkAuthority(pem: Buffer, path: string): X509Certificate[] {
  const authorities = certificatesIn(pem, path);
  for (const certificate of authorities) {
    checkTime(certificate, path);
    if (!certificate.ca) throw invalid(`The certificate ${path} basic constraints do not show a CA`);
  }
  return authorities;
}

/** What a certificate must suit. */
export interface OwnRole {
  readonly endpoint: 'server' | 'client';
  readonly authorities: readonly X509Certificate[];
  readonly key: KeyObject | undefined;
}

/**
 * Checks a certificate that one shows: before the first peer does, and with a better explanation.
 *
 * @throws BlockError when peers would not take it
 */
export function checkOwn(pem: Buffer, path: string, { endpoint, authorities, key }: OwnRole): void {
  const [certificate, ...between] = certificatesIn(pem, path) as [X509Certificate, ...X509Certificate[]];
  checkTime(certificate, path);
  if (certificate.ca) {
    throw invalid(`The certificate ${path} basic constraints show a CA, but we need one for a ${endpoint}`);
  }
  const uses = certificate.keyUsage as readonly string[] | undefined;
  if (uses !== undefined && !uses.includes(purposes[endpoint]) && !uses.includes(anyPurpose)) {
    throw invalid(`Certificate ${path} purpose does not allow use with a TLS ${endpoint}`);
  }
  if (key !== undefined && !certificate.checkPrivateKey(key)) {
    throw invalid(`The certificate ${path} and the private key beside it do not belong together`);
  }
  if (
    ![...authorities, ...between].some((issuer) => certificate.checkIssued(issuer) && isSignedBy(certificate, issuer))
  ) {
    throw invalid(`Our own certificate ${path} failed validation: no certificate of ca-cert.pem has signed it`);
  }
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.verify(issuer.publicKey);
  } catch {
    // Another kind of key.
    return false;
  }
}

function checkTime({ validFrom, validTo }: X509Certificate, path: string): void {
  const now = Date.now();
  if (Date.parse(validTo) < now) throw invalid(`The certificate ${path} has expired`);
  if (Date.parse(validFrom) > now) throw invalid(`The certificate ${path} is not yet active`);
}
