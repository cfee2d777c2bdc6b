import {
  type BlockDeviceIoStatus,
  type BlockdevDetectZeroesOptions,
  emitBlockIoError,
  emitDeviceTrayMoved,
} from '../../../generated/index.js';
import type { BlockHost, BlockStatus, Child, NodeFlags } from '../driver.js';
import { strerror } from '../errno.js';
import { BlockError, errnoOf, ioError } from '../error.js';
import type { RootOwner } from '../graph/node.js';
import { type ChainStatus, chainStatus } from '../io/status.js';
import { RequestFlag } from '../request-flag.js';
import { type AccountedKind, Accounting, type AccountingOptions } from './accounting.js';
import { devicePath } from './device-path.js';
import {
  actionFor,
  canStop,
  defaultErrorPolicies,
  type ErrorPolicies,
  type ErrorPolicy,
  isNoSpace,
  statusAfter,
} from './error-policy.js';
import { isLimiting, type ThrottleConfig } from './throttle-config.js';
import type { ThrottleGroup, ThrottleGroups, ThrottleMember } from './throttle-group.js';
import type { VirtualDevice } from './virtual-device.js';

/** How the next medium is opened unless a command says otherwise. */
export interface RootState extends NodeFlags {
  readonly detectZeroes: BlockdevDetectZeroesOptions;
  readonly copyOnRead: boolean;
}

/** What a backend is made with. */
export interface BackendOptions {
  /** `false`: all writes are on the disk before they are done. Default: `true`. */
  readonly writeback?: boolean;
  /** What is done about failed requests of a device. Default: writes `enospc`, reads `report`. */
  readonly policies?: ErrorPolicies;
  readonly accounting?: AccountingOptions;
}

const plainRootState: RootState = {
  readOnly: false,
  direct: false,
  noFlush: false,
  unmap: false,
  detectZeroes: 'off',
  copyOnRead: false,
};

type RequestKind = 'read' | 'write' | 'writeZeroes' | 'discard' | 'flush';

const noData = new Uint8Array(0);

/**
 * What a guest, an export or a job does its I/O on: it leads to a node, or to none while no medium is inserted. It has what
 * belongs to the user of a disk and not to the disk: limits, accounting, error policies, the device.
 */
export class Backend implements RootOwner {
  /** Empty: anonymous. A drive that is deleted while a device uses it loses its name. */
  name: string;
  /** The edge to the node; absent while no medium is inserted. Set by the code that attaches it, while the backend is drained. */
  root: Child | undefined;
  /** `false`: all writes are on the disk before they are done. */
  writeback: boolean;
  /** What is done about failed requests of a device that does not say itself. */
  policies: ErrorPolicies;
  /** For the next medium. Those who take one out remember what it was opened with. */
  rootState: RootState = plainRootState;
  readonly accounting: Accounting;
  /** Its node may be inactive, in which no requests come. Default: it may when it has a name. */
  allowsInactive: boolean | undefined;
  readonly #host: Pick<BlockHost, 'clock' | 'events'>;
  #device: VirtualDevice | undefined;
  #ioStatus: BlockDeviceIoStatus = 'ok';
  #throttling: ThrottleMember | undefined;
  #inFlight = 0;
  #drained = 0;
  /** Requests that wait for the end of a drained section, in order. */
  #held: (() => void)[] = [];
  /** Resolves the promises that wait for the last request in flight. */
  #awaiting: (() => void)[] = [];

  /** @param name a well-formed device name that is taken for it, or empty */
  constructor(name: string, host: Pick<BlockHost, 'clock' | 'events'>, options: BackendOptions = {}) {
    this.name = name;
    this.#host = host;
    this.writeback = options.writeback ?? true;
    this.policies = options.policies ?? defaultErrorPolicies;
    this.accounting = new Accounting(host.clock, options.accounting);
  }

  /** Bytes; 0 without a medium. */
  get length(): number {
    return this.root?.node.length ?? 0;
  }

  /** What is attached in the place of a guest's device, if anything. */
  get device(): VirtualDevice | undefined {
    return this.#device;
  }

  /** Attaches a device, or takes it away. Its I/O status begins anew. */
  set device(device: VirtualDevice | undefined) {
    this.#device = device;
    this.#ioStatus = 'ok';
  }

  /** The medium can be exchanged. */
  get removable(): boolean {
    return this.#device?.removable ?? true;
  }

  /** Whether the tray is open; absent where there is no tray. */
  get trayOpen(): boolean | undefined {
    return this.#device?.hasTray ? this.#device.trayOpen : undefined;
  }

  /** How I/O has gone since the device was attached; absent where that is not kept. */
  get ioStatus(): BlockDeviceIoStatus | undefined {
    return this.#device?.keepsIoStatus && canStop(this.#policies) ? this.#ioStatus : undefined;
  }

  /** The group whose limits are shared, if any. */
  get throttleGroup(): ThrottleGroup | undefined {
    return this.#throttling?.group;
  }

  /**
   * Limits the backend and all of its group; nothing is kept of earlier limits. A configuration without limits: it leaves the
   * group, in which others keep theirs.
   *
   * @param group the group to be in. Default: the one it is in, else one named `fallback`
   */
  limit(groups: ThrottleGroups, config: ThrottleConfig, fallback: string, group?: string): void {
    if (!isLimiting(config)) {
      this.#throttling?.leave();
      this.#throttling = undefined;
      return;
    }
    const wanted = group ?? this.#throttling?.group.name ?? fallback;
    if (this.#throttling?.group.name !== wanted) {
      this.#throttling?.leave();
      this.#throttling = groups.join(wanted);
    }
    this.#throttling.group.configure(config);
  }

  /** Tells the device that a medium has come or goes. A tray closes or opens; an event is sent when it has moved. */
  changeMedium(load: boolean): void {
    const device = this.#device;
    if (device?.changeMedium(load)) {
      emitDeviceTrayMoved(this.#host.events, { device: this.name, id: device.id, 'tray-open': device.trayOpen });
    }
  }

  /** Fills a buffer. @throws BlockError (ENOMEDIUM, EIO beyond the end, or what the node says) */
  read(offset: number, buffer: Uint8Array, flags = 0): Promise<void> {
    return this.#request('read', offset, buffer.length, buffer, flags);
  }

  /** Writes. `data` must not change until it is done. @throws BlockError like {@link read}, and EPERM when read-only */
  write(offset: number, data: Uint8Array, flags = 0): Promise<void> {
    return this.#request('write', offset, data.length, data, flags);
  }

  /** Makes a stretch read as zeroes. @throws BlockError like {@link write} */
  writeZeroes(offset: number, length: number, flags = 0): Promise<void> {
    return this.#request('writeZeroes', offset, length, noData, flags);
  }

  /** Tells that a stretch is not needed any more. Not limited. @throws BlockError like {@link write} */
  discard(offset: number, length: number): Promise<void> {
    return this.#request('discard', offset, length, noData, 0);
  }

  /** All that was written before is on the disk afterwards. Not limited. @throws BlockError */
  flush(): Promise<void> {
    return this.#request('flush', 0, 0, noData, 0);
  }

  /**
   * The state of the first stretch from `offset` on in the first layer of the backing chain that has something for it.
   *
   * @throws BlockError
   */
  async blockStatus(offset: number, length: number): Promise<BlockStatus> {
    return (await this.chainStatus(offset, length)).status;
  }

  /** The same, and which layer it is. @throws BlockError */
  async chainStatus(offset: number, length: number): Promise<ChainStatus> {
    while (this.#drained > 0) await this.#resumption();
    const root = this.#medium();
    this.#checkRange(root, offset, length);
    this.#inFlight++;
    try {
      return await chainStatus(root, offset, length);
    } finally {
      this.#finished();
    }
  }

  drainBegin(): Promise<void> {
    this.#drained++;
    this.#throttling?.letGo();
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#awaiting.push(resolve));
  }

  drainEnd(): void {
    this.#drained--;
    if (this.#drained > 0) return;
    const held = this.#held;
    this.#held = [];
    for (const go of held) go();
  }

  async #request(kind: RequestKind, offset: number, length: number, data: Uint8Array, flags: number): Promise<void> {
    const start = this.#host.clock.now();
    // Another drained section may begin before who was held gets to run.
    while (this.#drained > 0) await this.#resumption();
    const accounted = accountedAs[kind];
    const root = this.#admitted(kind, accounted, offset, length);
    this.#inFlight++;
    try {
      const limited = accounted === 'read' || accounted === 'write' ? accounted : undefined;
      const wait = limited === undefined ? undefined : this.#throttling?.admit(limited, length);
      if (wait !== undefined) await wait;
      await this.#perform(root, kind, offset, length, data, flags);
    } catch (error) {
      this.#failed(root, kind, accounted, flags, start, error);
      // The failure is ignored. The guest must not see the partial data of a failed read.
      if (kind === 'read') data.fill(0);
      return;
    } finally {
      this.#finished();
    }
    this.accounting.done(accounted, length, start);
  }

  #perform(
    root: Child,
    kind: RequestKind,
    offset: number,
    length: number,
    data: Uint8Array,
    flags: number,
  ): Promise<void> {
    switch (kind) {
      case 'read':
        return root.read(offset, data, flags);
      case 'write':
        return root.write(offset, data, this.writeback ? flags : flags | RequestFlag.fua);
      case 'writeZeroes':
        return root.writeZeroes(offset, length, this.writeback ? flags : flags | RequestFlag.fua);
      case 'discard':
        return root.discard(offset, length);
      case 'flush':
        return root.flush();
    }
  }

  /** The edge to make a request on. @throws BlockError when it can be refused without being tried */
  #admitted(kind: RequestKind, accounted: AccountedKind, offset: number, length: number): Child {
    try {
      const root = this.#medium();
      if (kind !== 'read' && kind !== 'flush' && root.node.flags.readOnly) throw ioError('EPERM');
      this.#checkRange(root, offset, length);
      return root;
    } catch (error) {
      this.accounting.invalid(accounted);
      throw error;
    }
  }

  #medium(): Child {
    if (this.root === undefined || this.#device?.trayOpen) throw ioError('ENOMEDIUM');
    return this.root;
  }

  #checkRange({ node }: Child, offset: number, length: number): void {
    if (offset >= 0 && offset + length <= node.length) return;
    // A drive of the host without a disc has no length. To ask the node takes a walk, so others are not asked.
    throw ioError(node.inserted === false ? 'ENOMEDIUM' : 'EIO');
  }

  /** Does what the policy says about a failure. @throws what has failed, unless it is to be ignored */
  #failed(
    root: Child,
    kind: RequestKind,
    accounted: AccountedKind,
    flags: number,
    start: number,
    error: unknown,
  ): void {
    const code = errnoOf(error);
    // A caller that forbids the slow way only asks whether there is a fast one.
    if (flags & RequestFlag.noFallback && code === 'ENOTSUP') throw error;
    this.accounting.failed(accounted, start);
    if (!this.#device?.keepsIoStatus || !(error instanceof BlockError)) throw error;
    const policies = this.#policies;
    const isRead = kind === 'read';
    const action = actionFor(isRead ? policies.read : policies.write, code);
    // There is no machine to stop: its user learns of the failure from the request, and from the status.
    if (action === 'stop') this.#ioStatus = statusAfter(this.#ioStatus, code);
    emitBlockIoError(this.#host.events, {
      'qom-path': this.#device === undefined ? '' : `${devicePath}${this.#device.id}`,
      device: this.name,
      'node-name': root.node.name,
      operation: isRead ? 'read' : 'write',
      action,
      ...(canStop(policies) ? { nospace: isNoSpace(code) } : {}),
      reason: strerror(code),
    });
    if (action !== 'ignore') throw error;
  }

  /** The policies that hold: the device's own, or the backend's. */
  get #policies(): ErrorPolicies {
    const { read, write } = this.policies;
    const own = (policy: VirtualDevice['rerror'] | undefined, otherwise: ErrorPolicy): ErrorPolicy =>
      policy === undefined || policy === 'auto' ? otherwise : policy;
    return { read: own(this.#device?.rerror, read), write: own(this.#device?.werror, write) };
  }

  #resumption(): Promise<void> {
    return new Promise((resolve) => this.#held.push(resolve));
  }

  #finished(): void {
    this.#inFlight--;
    if (this.#inFlight > 0 || this.#awaiting.length === 0) return;
    const awaiting = this.#awaiting;
    this.#awaiting = [];
    for (const go of awaiting) go();
  }
}

const accountedAs: { readonly [Kind in RequestKind]: AccountedKind } = {
  read: 'read',
  write: 'write',
  writeZeroes: 'write',
  discard: 'discard',
  flush: 'flush',
};
