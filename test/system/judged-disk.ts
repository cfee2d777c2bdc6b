import fc from 'fast-check';
import { type NbdClient, NbdFailure } from './nbd-client.js';

/** A request of a guest. Places and lengths are bytes. */
export type GuestRequest =
  | { readonly kind: 'read' | 'status'; readonly from: number; readonly length: number }
  | {
      readonly kind: 'write';
      readonly from: number;
      readonly length: number;
      readonly fua: boolean;
      readonly dull: boolean;
    }
  | {
      readonly kind: 'zeroes';
      readonly from: number;
      readonly length: number;
      readonly fua: boolean;
      readonly unmap: boolean;
      readonly fast: boolean;
    }
  | { readonly kind: 'trim'; readonly from: number; readonly length: number; readonly fua: boolean }
  | { readonly kind: 'flush' };

/** Something that changes the disk, and what may be read from then on. */
interface Change {
  readonly from: number;
  readonly to: number;
  /** Absent: zeroes. */
  readonly data?: Buffer;
  /** It is not promised that anything changes, or that all does. */
  uncertain: boolean;
  /** What is behind the disk may show through. */
  readonly shows: boolean;
}

/**
 * Requests to a disk: most of them are aligned to something, and short.
 *
 * @param size bytes of the disk
 * @param unit bytes that the format allocates at once
 */
export function guestRequests(size: number, unit: number): fc.Arbitrary<GuestRequest> {
  const longest = Math.min(size, Math.max(131_072, unit + 65_536));
  const place = fc
    .record({
      alignment: fc.constantFrom(1, 512, 512, 4096, Math.min(unit, 65_536)),
      // Anywhere, or rather at the beginning and the end.
      from: fc.oneof({ weight: 3, arbitrary: fc.noBias(fc.nat(size - 1)) }, { weight: 1, arbitrary: fc.nat(size - 1) }),
      length: fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: 1, max: 16_384 }) },
        { weight: 1, arbitrary: fc.integer({ min: 1, max: longest }) },
      ),
    })
    .map(({ alignment, from, length }) => {
      const start = Math.floor(from / alignment) * alignment;
      return { from: start, length: Math.min(size - start, Math.ceil(length / alignment) * alignment) };
    });
  const withPlace = <T extends object>(rest: { [Key in keyof T]: fc.Arbitrary<T[Key]> }) =>
    fc.tuple(place, fc.record(rest)).map(([where, what]) => ({ ...where, ...(what as T) }));
  const fua = fc.boolean();
  return fc.oneof(
    { weight: 6, arbitrary: withPlace({ kind: fc.constant('write' as const), fua: fua, dull: fc.boolean() }) },
    { weight: 4, arbitrary: withPlace({ kind: fc.constant('read' as const) }) },
    {
      weight: 2,
      arbitrary: withPlace({ kind: fc.constant('zeroes' as const), fua, unmap: fc.boolean(), fast: fc.boolean() }),
    },
    { weight: 2, arbitrary: withPlace({ kind: fc.constant('trim' as const), fua }) },
    { weight: 1, arbitrary: withPlace({ kind: fc.constant('status' as const) }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'flush' as const }) },
  );
}

/** A disk behind an NBD server, and beside it what must be on it: whatever is read is judged. */
export class JudgedDisk {
  /** What is on the disk. */
  readonly expected: Buffer;
  readonly #clients: readonly NbdClient[];
  /** What shows where the disk itself has nothing; zeroes beyond its end. */
  readonly #behind: Buffer;
  #stamp: number;

  /** @param stamp tells this disk's writes from those of others */
  constructor(clients: readonly NbdClient[], expected: Buffer, behind: Buffer, stamp = 1) {
    this.#clients = clients;
    this.expected = expected;
    this.#behind = behind;
    this.#stamp = stamp;
  }

  /**
   * Sends requests, all at once and by turns through the clients, and judges what they come to. Where several write at the same
   * time, any of them may be the last; where one reads, it may be before or after.
   *
   * @throws Error when anything is read that cannot be there
   */
  async run(all: readonly GuestRequest[]): Promise<void> {
    const requests = all.flatMap((request) => this.#inside(request));
    const changes = requests.map((request) => this.#changeOf(request));
    const certain = changes.filter((change) => change !== undefined);
    const reads: { readonly from: number; readonly found: Buffer }[] = [];
    await Promise.all(
      requests.map(async (request, index) => {
        const client = this.#clients[index % this.#clients.length] as NbdClient;
        const found = await this.#send(client, request, changes[index]);
        if (found !== undefined && 'from' in request) reads.push({ from: request.from, found });
      }),
    );
    for (const { from, found } of reads) this.#judge(from, found, certain, true);
    await this.#settle(certain);
  }

  /** Reads all of it, and what is said to be zero. @throws Error when it is not as expected */
  async compare(): Promise<void> {
    const { size } = this;
    const piece = 2 ** 20;
    const client = this.#clients[0] as NbdClient;
    const starts = Array.from({ length: Math.ceil(size / piece) }, (_, index) => index * piece);
    const found = await Promise.all(starts.map((from) => client.read(from, Math.min(piece, size - from))));
    for (const [index, data] of found.entries()) this.#judge(index * piece, data, [], true);
    let at = 0;
    for (const { length, zero } of await client.map(0, size)) {
      if (zero && !isZero(this.expected.subarray(at, at + length))) {
        throw new Error(`${length} bytes at ${at} are said to be zero, and are not`);
      }
      at += length;
    }
  }

  get size(): number {
    return this.expected.length;
  }

  /** What of a request lies on the disk, which may have become smaller. */
  #inside(request: GuestRequest): GuestRequest[] {
    if (request.kind === 'flush') return [request];
    const length = Math.min(request.length, this.size - request.from);
    return length > 0 ? [{ ...request, length }] : [];
  }

  #changeOf(request: GuestRequest): Change | undefined {
    if (!('fua' in request)) return undefined;
    const { kind, from, length } = request;
    const place = { from, to: from + length, shows: kind === 'trim', uncertain: kind === 'trim' };
    return kind === 'write' ? { ...place, data: pattern(this.#stamp++, from, length, request.dull) } : place;
  }

  /** @returns what was read */
  async #send(client: NbdClient, request: GuestRequest, change: Change | undefined): Promise<Buffer | undefined> {
    switch (request.kind) {
      case 'read':
        return client.read(request.from, request.length);
      case 'status': {
        const extents = await client.blockStatus(request.from, request.length);
        if (extents.length === 0) throw new Error('there are no extents');
        return undefined;
      }
      case 'write':
        await client.write(request.from, change?.data as Buffer, request);
        return undefined;
      case 'zeroes':
        try {
          await client.writeZeroes(request.from, request.length, request);
        } catch (error) {
          if (!request.fast || !(error instanceof NbdFailure) || error.code !== 'ENOTSUP') throw error;
          if (change) change.uncertain = true;
        }
        return undefined;
      case 'trim':
        await client.trim(request.from, request.length, request);
        return undefined;
      case 'flush':
        await client.flush();
        return undefined;
    }
  }

  /** Takes over what has changed. What several requests have changed is looked at. */
  async #settle(changes: readonly Change[]): Promise<void> {
    const unclear = changes.filter(
      (change) => change.uncertain || changes.some((other) => other !== change && overlap(other, change)),
    );
    const client = this.#clients[0] as NbdClient;
    const found = await Promise.all(unclear.map(({ from, to }) => client.read(from, to - from)));
    for (const [index, data] of found.entries()) this.#judge(unclear[index]?.from ?? 0, data, unclear, false);
    for (const [index, data] of found.entries()) data.copy(this.expected, unclear[index]?.from);
    for (const change of changes) {
      if (unclear.includes(change)) continue;
      if (change.data) change.data.copy(this.expected, change.from);
      else this.expected.fill(0, change.from, change.to);
    }
  }

  /**
   * @param changes what may have changed what was read
   * @param meanwhile whether they may be still to come, too
   */
  #judge(from: number, found: Buffer, changes: readonly Change[], meanwhile: boolean): void {
    const { expected } = this;
    const near = changes.filter((change) => overlap(change, { from, to: from + found.length }));
    if (near.length === 0 && found.equals(expected.subarray(from, from + found.length))) return;
    for (let index = 0; index < found.length; index++) {
      const at = from + index;
      const byte = found[index];
      let possible = false;
      let old = true;
      for (const change of near) {
        if (at < change.from || at >= change.to) continue;
        old &&= change.uncertain;
        possible ||=
          byte === (change.data?.[at - change.from] ?? 0) || (change.shows && byte === (this.#behind[at] ?? 0));
      }
      if (!possible && (old || meanwhile)) possible = byte === expected[at];
      if (possible) continue;
      throw new Error(`at ${at} there is ${byte}, but should be ${expected[at]} or what was written last`);
    }
  }
}

/**
 * What a write brings: hardly any two writes have the same byte at the same place.
 *
 * @param dull easy to compress
 */
export function pattern(stamp: number, from: number, length: number, dull: boolean): Buffer {
  const data = Buffer.allocUnsafe(length);
  if (dull) return data.fill((stamp % 255) + 1);
  for (let index = 0; index < length; index++) {
    const at = from + index;
    const word = Math.imul(stamp ^ Math.imul(at >>> 2, 0x9e37_79b1), 0x85eb_ca6b);
    data[index] = (word ^ (word >>> 15)) >>> ((at & 3) * 8);
  }
  return data;
}

interface Stretch {
  readonly from: number;
  readonly to: number;
}

function overlap(a: Stretch, b: Stretch): boolean {
  return a.from < b.to && b.from < a.to;
}

function isZero(data: Buffer): boolean {
  return data.every((byte) => byte === 0);
}
