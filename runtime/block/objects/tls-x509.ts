import { createPrivateKey, type KeyObject } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { TlsCredsX509Properties } from '../../../generated/index.js';
import { BlockError } from '../error.js';
import type { TlsCredentials } from '../tls.js';
import { checkAuthority, checkOwn } from './certificates.js';
import { propertiesOf } from './object-types.js';
import { checkPriority, folderOf, readCredentials, readIfPresent } from './tls-files.js';
import type { ObjectHost, UserObject } from './user-object.js';

/** What a folder has. */
interface Files {
  readonly authority: Buffer;
  readonly revoked: Buffer | undefined;
  readonly certificate: Buffer | undefined;
  readonly key: Buffer | undefined;
  readonly parameters: Buffer | undefined;
}

/**
 * Makes credentials of certificates, which are read here and now: `ca-cert.pem` and, of a server, `server-cert.pem` and
 * `server-key.pem`; of a client, `client-cert.pem` and `client-key.pem` if they are there. Also `ca-crl.pem` and `dh-params.pem`.
 *
 * @throws BlockError when a file is missing, or they do not go together
 */
export async function makeX509Credentials(properties: TlsCredsX509Properties, host: ObjectHost): Promise<UserObject> {
  const { endpoint = 'client', 'verify-peer': verifyPeer = true, 'sanity-check': sane = true } = properties;
  checkPriority(properties.priority);
  const dir = folderOf(properties.dir);
  const files = await readFiles(dir, endpoint, host);
  const passphrase =
    properties.passwordid === undefined ? undefined : Buffer.from(host.secretData(properties.passwordid));
  const key = files.key && privateKeyOf(files.key, `${dir}/${endpoint}-key.pem`, passphrase);
  if (sane) {
    const authorities = checkAuthority(files.authority, `${dir}/ca-cert.pem`);
    if (files.certificate) checkOwn(files.certificate, `${dir}/${endpoint}-cert.pem`, { endpoint, authorities, key });
  }
  const context: SecureContextOptions = {
    ca: files.authority,
    ...(files.certificate && { cert: files.certificate }),
    ...(key && { key: key.export({ type: 'pkcs8', format: 'pem' }) }),
    ...(files.revoked && { crl: files.revoked }),
    ...(files.parameters && { dhparam: files.parameters }),
  };
  try {
    createSecureContext(context);
  } catch (error) {
    throw new BlockError(`The files of ${dir} cannot be used: ${(error as Error).message}`, { cause: error });
  }
  return {
    type: 'tls-creds-x509',
    properties: propertiesOf('tls-creds-x509', {
      endpoint,
      dir,
      'verify-peer': verifyPeer,
      priority: properties.priority ?? '',
      'sanity-check': sane,
      passwordid: properties.passwordid ?? '',
    }),
    tls: credentialsOf(endpoint, verifyPeer, context),
  };
}

function credentialsOf(
  endpoint: 'client' | 'server',
  verifyPeer: boolean,
  options: SecureContextOptions,
): TlsCredentials {
  if (endpoint === 'server') return { endpoint, options, verifyPeer };
  return { endpoint, options, verifyPeer, sharedKey: false };
}

async function readFiles(dir: string, endpoint: 'client' | 'server', host: ObjectHost): Promise<Files> {
  const own = endpoint === 'server' ? readCredentials : readIfPresent;
  return {
    authority: await readCredentials(dir, 'ca-cert.pem', host),
    certificate: await own(dir, `${endpoint}-cert.pem`, host),
    key: await own(dir, `${endpoint}-key.pem`, host),
    revoked: endpoint === 'server' ? await readIfPresent(dir, 'ca-crl.pem', host) : undefined,
    parameters: endpoint === 'server' ? await readIfPresent(dir, 'dh-params.pem', host) : undefined,
  };
}

/** @throws BlockError when it is none, or its passphrase is another one */
function privateKeyOf(pem: Buffer, path: string, passphrase: Buffer | undefined): KeyObject {
  try {
    return createPrivateKey({ key: pem, ...(passphrase && { passphrase }) });
  } catch (error) {
    throw new BlockError(`Unable to load private key ${path}: ${(error as Error).message}`, {
      code: 'EINVAL',
      cause: error,
    });
  }
}
