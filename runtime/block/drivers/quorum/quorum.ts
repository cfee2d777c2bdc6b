import type { BlockHost, Child, DriverInstance, NodeView, OpenContext } from '../../driver.js';
import type { Errno } from '../../errno.js';
import { BlockError, blockErrorOf, ioError } from '../../error.js';
import { RequestTracker } from '../../io/tracker.js';
import { Permission, type Permissions } from '../../permissions.js';
import { RequestFlag } from '../../request-flag.js';
import { outcome } from '../shared/outcome.js';
import type { QuorumOptions } from './options.js';
import { type Request, reportBad, reportFailure } from './reports.js';
import { vote, winner } from './vote.js';

/** What a quorum does to one of its children. Whatever others write to that makes it differ from its siblings. */
export function ofMember({ uses, shares }: Permissions, rewrites: boolean): Permissions {
  const { consistentRead, write, writeUnchanged } = Permission;
  return { uses: uses | (rewrites ? write : 0), shares: shares & (consistentRead | writeUnchanged) };
}

/** Several nodes that hold the same, and vote on what that is. */
export class Quorum implements DriverInstance {
  readonly writeFlags = RequestFlag.fua | RequestFlag.mayUnmap;
  readonly #node: NodeView;
  readonly #host: BlockHost;
  readonly #attach: OpenContext['attachChild'];
  readonly #detach: OpenContext['detachChild'];
  readonly #options: QuorumOptions;
  /** Replaced, not changed: who is at work keeps those that it began with. */
  #children: readonly Child[];
  /** The index of the next child. None is used twice. */
  #nextIndex: number;
  /**
   * Writes are kept apart from whatever overlaps them. Else two of them could reach the children in different orders, after which
   * these would differ for ever, and a read could find some children written and others not.
   */
  readonly #order = new RequestTracker();

  constructor(context: OpenContext, options: QuorumOptions, children: readonly Child[]) {
    this.#node = context.node;
    this.#host = context.host;
    this.#attach = context.attachChild;
    this.#detach = context.detachChild;
    this.#options = options;
    this.#children = children;
    this.#nextIndex = children.length;
  }

  childPermissions(own: Permissions): Permissions {
    return ofMember(own, this.#options.rewriteCorrupted);
  }

  /** @throws BlockError (EIO) when the children are of different lengths */
  get length(): number {
    const [first, ...others] = this.#children;
    const length = first?.node.length ?? 0;
    for (const other of others) {
      if (other.node.length !== length) {
        throw new BlockError(
          `The children of a quorum must be of the same length: '${first?.name}' has ${length} bytes, but '${other.name}' has ${other.node.length}`,
        );
      }
    }
    return length;
  }

  async read(offset: number, buffer: Uint8Array): Promise<void> {
    const order = this.#order.begin(offset, buffer.length);
    try {
      if (!this.#order.quiet) await this.#order.turn(order);
      const request: Request = { type: 'read', offset, length: buffer.length };
      if (this.#options.readPattern === 'fifo') await this.#readFirst(request, buffer);
      else await this.#readAll(request, buffer);
    } finally {
      this.#order.end(order);
    }
  }

  write(offset: number, data: Uint8Array, flags: number): Promise<void> {
    const passed = flags & RequestFlag.fua;
    return this.#change(offset, data.length, (child) => child.write(offset, data, passed));
  }

  async writeZeroes(offset: number, length: number, flags: number): Promise<void> {
    // One child may have a fast way and the next may not, which is no reason to report it.
    if (flags & RequestFlag.noFallback) throw ioError('ENOTSUP');
    const passed = flags & this.writeFlags;
    await this.#change(offset, length, (child) => child.writeZeroes(offset, length, passed));
  }

  async flushToOs(): Promise<void> {
    // Without flushes to the disk this is the only chance for what the children cache to leave the process.
    if (this.#node.flags.noFlush) await this.flushToDisk();
  }

  async flushToDisk(): Promise<void> {
    const children = this.#children;
    const codes = await ask(
      children,
      (child) => child.flush(),
      (child, code) => reportBad(this.#host, child, { type: 'flush', offset: 0, length: child.node.length }, code),
    );
    if (!this.#enough(codes)) throw ioError(mostFrequent(codes));
  }

  effectiveOptions() {
    const { threshold, blkverify, rewriteCorrupted, readPattern } = this.#options;
    return {
      blkverify,
      'rewrite-corrupted': rewriteCorrupted,
      'vote-threshold': threshold,
      ...(readPattern === 'fifo' ? { 'read-pattern': readPattern } : {}),
    };
  }

  /** Only the options tell all children. */
  exactFilename(): undefined {
    return undefined;
  }

  async addChild(node: NodeView): Promise<void> {
    if (this.#options.blkverify) {
      throw new BlockError('A quorum with blkverify has two children, and no more can be added', { code: 'EINVAL' });
    }
    if (contains(node, this.#node)) {
      throw new BlockError(`'${node.name}' is '${this.#node.name}' or above it: nodes cannot be below themselves`, {
        code: 'EINVAL',
      });
    }
    const { length } = this;
    if (node.length !== length) {
      throw new BlockError(
        `'${node.name}' has ${node.length} bytes, but the children of '${this.#node.name}' have ${length}: resize it first`,
        { code: 'EINVAL' },
      );
    }
    const child = this.#attach(`children.${this.#nextIndex}`, 'format', node);
    this.#nextIndex++;
    this.#children = [...this.#children, child];
  }

  async removeChild(child: Child): Promise<void> {
    const { threshold } = this.#options;
    if (this.#children.length <= threshold) {
      throw new BlockError(
        `The number of children cannot be lower than the vote threshold, ${threshold}: add one before you take one away`,
        { code: 'EINVAL' },
      );
    }
    this.#children = this.#children.filter((other) => other !== child);
    await this.#detach(child);
  }

  async close(): Promise<void> {}

  /** The first child that can be read decides. */
  async #readFirst(request: Request, buffer: Uint8Array): Promise<void> {
    let last: BlockError | undefined;
    for (const child of this.#children) {
      try {
        await child.read(request.offset, buffer);
        return;
      } catch (error) {
        last = blockErrorOf(error);
        reportBad(this.#host, child, request, last.code);
      }
    }
    throw ioError(last?.code ?? 'EIO');
  }

  /** Most children decide. */
  async #readAll(request: Request, buffer: Uint8Array): Promise<void> {
    const children = this.#children;
    const { offset, length } = request;
    const buffers = children.map((_, index) => (index === 0 ? buffer : Buffer.allocUnsafe(length)));
    const codes = await this.#askAll(children, request, (child, index) => child.read(offset, buffers[index] ?? buffer));
    const verdict = vote(buffers.map((read, index) => (codes[index] === undefined ? read : undefined)));
    if (verdict.losers.length > 0) {
      if (this.#options.blkverify) this.#differ(request, buffers);
      if (verdict.count < this.#options.threshold) {
        reportFailure(this.#host, this.#node, request);
        throw ioError('EIO');
      }
      const losers = verdict.losers.map((index) => children[index]).filter((child) => child !== undefined);
      for (const loser of losers) reportBad(this.#host, loser, request);
      // A child that cannot be mended is reported again when it is read again.
      if (this.#options.rewriteCorrupted) await ask(losers, (loser) => loser.write(offset, verdict.winner));
    }
    if (verdict.winner !== buffer) buffer.set(verdict.winner);
  }

  #differ({ offset, length }: Request, [a, b]: readonly Uint8Array[]): never {
    const position = a?.findIndex((byte, index) => byte !== b?.[index]) ?? 0;
    this.#host.fatal(
      `quorum: read of ${length} bytes at offset ${offset}: contents differ at offset ${offset + position}`,
    );
    throw ioError('EIO');
  }

  async #change(offset: number, length: number, work: (child: Child) => Promise<void>): Promise<void> {
    const order = this.#order.begin(offset, length, true);
    try {
      await this.#order.turn(order);
      await this.#askAll(this.#children, { type: 'write', offset, length }, work);
    } finally {
      this.#order.end(order);
    }
  }

  /** Asks all children, and reports those that fail. @throws BlockError when too few succeed */
  async #askAll(
    children: readonly Child[],
    request: Request,
    work: (child: Child, index: number) => Promise<void>,
  ): Promise<Outcomes> {
    const codes = await ask(children, work, (child, code) => reportBad(this.#host, child, request, code));
    if (this.#enough(codes)) return codes;
    reportFailure(this.#host, this.#node, request);
    throw ioError(mostFrequent(codes));
  }

  #enough(codes: Outcomes): boolean {
    return codes.filter((code) => code === undefined).length >= this.#options.threshold;
  }
}

/** Why each child has failed; nothing for one that has not. */
type Outcomes = readonly (Errno | undefined)[];

/** Asks children at the same time, and waits for all. */
function ask(
  children: readonly Child[],
  work: (child: Child, index: number) => Promise<void>,
  failed: (child: Child, code: Errno) => void = () => {},
): Promise<Outcomes> {
  return Promise.all(
    children.map(async (child, index) => {
      const code = await outcome(work(child, index));
      if (code !== undefined) failed(child, code);
      return code;
    }),
  );
}

function mostFrequent(codes: Outcomes): Errno {
  return winner(codes.filter((code) => code !== undefined))?.candidate ?? 'EIO';
}

/** Whether a node is another one or has it below. */
function contains(node: NodeView, wanted: NodeView): boolean {
  const found = new Set([node]);
  for (const next of found) for (const child of next.children.values()) found.add(child.node);
  return found.has(wanted);
}
