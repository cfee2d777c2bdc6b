import type { ObjectOptions } from '../../../generated/index.js';
import { idSyntax, isWellFormedId } from '../../visit/well-formed-id.js';
import { BlockError, invalid } from '../error.js';
import type { TlsCredentials } from '../tls.js';
import { makeListAuthorization, makeListFileAuthorization, makeSimpleAuthorization } from './authorization.js';
import { makeEventLoop } from './event-loop.js';
import {
  makeMemoryBackendFile,
  makeMemoryBackendMemfd,
  makeMemoryBackendRam,
  makeMemoryBackendShm,
} from './memory-backend.js';
import { isObjectIdTaken } from './object-id.js';
import { makeSecret } from './secret.js';
import { makePskCredentials } from './tls-psk.js';
import { makeX509Credentials } from './tls-x509.js';
import type { MakeThrottleGroup, ObjectHost, UserObject } from './user-object.js';

/** There is one event loop, which is there as long as the server. */
const mainLoop = 'main-loop';

/** The objects that users have made, by their ids. They cannot be changed, only removed. */
export class UserObjects {
  readonly #objects = new Map<string, UserObject>();
  /** Ids of objects that are being made. */
  readonly #reserved = new Set<string>();
  readonly #host: ObjectHost;

  readonly #makeThrottleGroup: MakeThrottleGroup | undefined;

  /**
   * @param authorize whether a file may be used at all; throws when it may not
   * @param makeThrottleGroup absent: there are none
   */
  constructor(authorize: ObjectHost['authorize'], makeThrottleGroup?: MakeThrottleGroup) {
    this.#makeThrottleGroup = makeThrottleGroup;
    this.#host = { authorize, secretData: (id) => this.#secret(id) };
  }

  /** In the order in which they were made. */
  get all(): ReadonlyMap<string, UserObject> {
    return this.#objects;
  }

  /**
   * Makes an object.
   *
   * @throws BlockError when the id is taken or malformed, or the properties contradict each other. Nothing has happened then.
   */
  async add(options: ObjectOptions): Promise<void> {
    const { id } = options;
    if (!isWellFormedId(id)) {
      throw invalid(`Parameter 'id' expects an identifier: ${idSyntax}`);
    }
    if (isObjectIdTaken(id, this.#objects) || this.#reserved.has(id)) {
      throw new BlockError(`attempt to add duplicate property '${id}' to object (type 'container')`, {
        code: 'EEXIST',
      });
    }
    if (options['qom-type'] === mainLoop && [...this.#objects.values()].some(({ type }) => type === mainLoop)) {
      throw invalid('only one main-loop instance allowed');
    }
    this.#reserved.add(id);
    try {
      this.#objects.set(id, await this.#make(options));
    } finally {
      this.#reserved.delete(id);
    }
  }

  /** Removes an object. What a secret kept is wiped out. @throws BlockError when there is none of that id, or it is in use */
  remove(id: string): void {
    const object = this.#objects.get(id);
    if (object === undefined) throw new BlockError(`object '${id}' not found`, { code: 'ENOENT' });
    if (object.type === mainLoop) throw invalid(`Deleting main loop '${id}' is not supported`);
    if (object.inUse?.()) throw new BlockError(`object '${id}' is in use, can not be deleted`, { code: 'EBUSY' });
    this.#forget(id, object);
  }

  /** Removes all objects. */
  clear(): void {
    for (const [id, object] of this.#objects) this.#forget(id, object);
  }

  #forget(id: string, object: UserObject): void {
    this.#objects.delete(id);
    object.secret?.fill(0);
    object.removed?.();
  }

  /** A copy of what the secret with an id keeps. @throws BlockError when there is none of that id */
  async secretData(id: string): Promise<Uint8Array> {
    // Not slice(): that of a Buffer is no copy.
    return new Uint8Array(this.#secret(id));
  }

  /** @throws BlockError when there are no TLS credentials of that id, or they are for the other side */
  tlsCredentials<Endpoint extends TlsCredentials['endpoint']>(
    id: string,
    endpoint: Endpoint,
  ): Extract<TlsCredentials, { endpoint: Endpoint }> {
    const object = this.#objects.get(id);
    if (object === undefined) throw new BlockError(`No TLS credentials with id '${id}'`, { code: 'ENOENT' });
    const { tls } = object;
    if (tls === undefined) throw invalid(`Object with id '${id}' is not TLS credentials`);
    if (!isFor(tls, endpoint)) throw invalid(`Expected TLS credentials for a ${endpoint} endpoint`);
    return tls;
  }

  /** Whether the `authz-…` of an id lets a client in. @throws BlockError when there is none of that id, or it cannot decide */
  async authorizes(id: string, identity: string): Promise<boolean> {
    const object = this.#objects.get(id);
    if (object === undefined) throw new BlockError(`No authorization object with id '${id}'`, { code: 'ENOENT' });
    if (object.authorizes === undefined) throw invalid(`Object with id '${id}' is not an authorization object`);
    return object.authorizes(identity);
  }

  #secret(id: string): Uint8Array {
    const secret = this.#objects.get(id)?.secret;
    if (secret === undefined) throw new BlockError(`No secret with id '${id}'`, { code: 'ENOENT' });
    return secret;
  }

  async #make(options: ObjectOptions): Promise<UserObject> {
    switch (options['qom-type']) {
      case 'secret':
        return makeSecret(options, this.#host);
      case 'memory-backend-ram':
        return makeMemoryBackendRam(options);
      case 'memory-backend-file':
        return makeMemoryBackendFile(options, this.#host);
      case 'tls-creds-x509':
        return makeX509Credentials(options, this.#host);
      case 'tls-creds-psk':
        return makePskCredentials(options, this.#host);
      case 'iothread':
      case 'main-loop':
        return makeEventLoop(options);
      case 'memory-backend-memfd':
        return makeMemoryBackendMemfd(options);
      case 'memory-backend-shm':
        return makeMemoryBackendShm(options);
      case 'authz-simple':
        return makeSimpleAuthorization(options);
      case 'authz-list':
        return makeListAuthorization(options);
      case 'authz-listfile':
        return makeListFileAuthorization(options, this.#host);
      case 'throttle-group':
        if (this.#makeThrottleGroup !== undefined) return this.#makeThrottleGroup(options);
        break;
    }
    throw new BlockError(`Objects of type '${options['qom-type']}' are not available in this server`);
  }
}

function isFor<Endpoint extends TlsCredentials['endpoint']>(
  tls: TlsCredentials,
  endpoint: Endpoint,
): tls is Extract<TlsCredentials, { endpoint: Endpoint }> {
  return tls.endpoint === endpoint;
}
