import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A folder with the files that QEMU's `tls-creds-x509` reads: an authority, and a server `localhost` and a client that it vouches for. */
export function certificates(): string {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-tls-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  makeCertificates(folder);
  return folder;
}

/** Makes the same in a folder that is there. */
export function makeCertificates(folder: string): void {
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'ignore' });
  const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout'];
  const authority = ['-subj', '/CN=authority', '-addext', 'keyUsage=critical,keyCertSign'];
  openssl('req', '-x509', ...key, file('ca-key.pem'), '-out', file('ca-cert.pem'), '-days', '2', ...authority);
  const signer = ['-CA', file('ca-cert.pem'), '-CAkey', file('ca-key.pem'), '-CAcreateserial', '-days', '2'];
  const sign = (name: string, extensions: string): void => {
    writeFileSync(file('extensions'), `keyUsage=critical,digitalSignature,keyEncipherment\n${extensions}`);
    openssl('req', ...key, file(`${name}-key.pem`), '-out', file('request'), '-subj', `/CN=${name}`);
    const output = ['-extfile', file('extensions'), '-out', file(`${name}-cert.pem`)];
    openssl('x509', '-req', '-in', file('request'), ...signer, ...output);
  };
  sign('server', 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n');
  sign('client', 'extendedKeyUsage=clientAuth\n');
}
