import type { ObjectOptions, ObjectType } from '../../../generated/index.js';
import type { JsonValue } from '../../json/value.js';
import type { TlsCredentials } from '../tls.js';

/** What can be asked of an object by `qom-get`. */
export interface ObjectProperty {
  /** As `qom-list` shows it: `bool`, `int`, `string`, or the name of an enum. */
  readonly type: string;
  /** Absent: it is secret. */
  readonly value?: JsonValue;
}

/** An object that a user has made by `object-add` or `--object`. */
export interface UserObject {
  readonly type: ObjectType;
  /** By name, without `type`. */
  readonly properties: ReadonlyMap<string, ObjectProperty>;
  /**
   * Changes a property that there is. Absent: none can be changed.
   *
   * @throws BlockError when the value makes no sense
   */
  set?(name: string, value: JsonValue): void;
  /** Whether something needs it, so that it cannot be removed. Absent: nothing ever does. */
  inUse?(): boolean;
  /** It has been removed. */
  removed?(): void;
  /** What a `secret` keeps. */
  readonly secret?: Uint8Array;
  /** What `tls-creds-…` are. */
  readonly tls?: TlsCredentials;
  /**
   * Whether an `authz-…` lets a client in.
   *
   * @throws BlockError when that cannot be found out
   */
  readonly authorizes?: (identity: string) => Promise<boolean>;
}

/** Makes a throttle group. @throws BlockError when there is one of that name, or its limits make no sense */
export type MakeThrottleGroup = (options: Extract<ObjectOptions, { 'qom-type': 'throttle-group' }>) => UserObject;

/** What objects need of the outside. */
export interface ObjectHost {
  /**
   * Whether a file may be used at all. Called before it is opened, and again with its descriptor.
   *
   * @throws BlockError when it may not
   */
  authorize(path: string, fd?: number): Promise<void>;
  /** @throws BlockError when there is no `secret` of that id */
  secretData(id: string): Uint8Array;
}
