const sectorSize = 512;

/** What a sector holds: 0 stands for zeroes, -1 for what the backing file has there, others for the write that brought it. */
export type Stamp = number;

/** A change that has begun. */
export interface Change {
  readonly from: number;
  readonly to: number;
  readonly values: readonly Stamp[];
  /** One of the values is there when it has ended. Otherwise there may also be what was there before. */
  readonly definite: boolean;
  /** When it ended. */
  ended: number | undefined;
}

interface Sector {
  /** What may be there if nothing has reached the disk since the last flush. */
  safe: ReadonlySet<Stamp>;
  /** Since then, in order. */
  later: Change[];
}

/** What each sector of a disk may hold after a crash. Places are in sectors. */
export class SectorHistory {
  readonly #sectors: Sector[];
  /** Sectors with something that is not safe. */
  readonly #unsafe = new Set<number>();
  #sizes: { readonly size: number; readonly ended: number }[];
  #time = 0;

  /** @param initial what is there, safely */
  constructor(initial: readonly Stamp[]) {
    this.#sectors = initial.map((stamp) => ({ safe: new Set([stamp]), later: [] }));
    this.#sizes = [{ size: initial.length, ended: 0 }];
  }

  begin(from: number, to: number, values: readonly Stamp[], definite = true): Change {
    const change: Change = { from, to, values, definite, ended: undefined };
    for (let index = from; index < to; index++) {
      this.#sectors[index] ??= { safe: new Set(), later: [] };
      this.#sectors[index]?.later.push(change);
      this.#unsafe.add(index);
    }
    return change;
  }

  /** @param safe it is on the disk, too */
  end(change: Change, safe = false): void {
    change.ended = this.#time++;
    if (!safe) return;
    for (let index = change.from; index < change.to; index++) this.#settle(index, change.ended);
  }

  /** The size is going to be another. What is cut off may go before or after that, and what comes back is zero. */
  resize(size: number, behind: (sector: number) => Stamp): () => void {
    const old = this.#sizes.at(-1)?.size ?? 0;
    const changes: Change[] = [];
    for (let index = size; index < old; index++) changes.push(this.begin(index, index + 1, [0, behind(index)], false));
    if (size > old) changes.push(this.begin(old, size, [0]));
    const during = { size, ended: Number.POSITIVE_INFINITY };
    this.#sizes.push(during);
    return () => {
      this.#sizes[this.#sizes.indexOf(during)] = { size, ended: this.#time++ };
      for (const change of changes) this.end(change);
    };
  }

  /** A flush begins. @returns to be called when it has ended */
  flush(): () => void {
    const began = this.#time++;
    return () => {
      for (const index of this.#unsafe) this.#settle(index, began);
      const last = this.#sizes.findLastIndex(({ ended }) => ended < began);
      this.#sizes.splice(0, last);
    };
  }

  /** What would be allowed if everything crashed now. */
  snapshot(): Allowed {
    return {
      sizes: new Set(this.#sizes.map(({ size }) => size)),
      sectors: this.#sectors.map(({ safe, later }) =>
        later.length === 0 ? safe : new Set([...safe, ...later.flatMap(({ values }) => values)]),
      ),
    };
  }

  #settle(index: number, time: number): void {
    const sector = this.#sectors[index];
    if (sector === undefined) return;
    while (sector.later[0]?.ended !== undefined && sector.later[0].ended <= time) {
      const { values, definite } = sector.later.shift() as Change;
      sector.safe = new Set(definite ? values : [...sector.safe, ...values]);
    }
    if (sector.later.length === 0) this.#unsafe.delete(index);
  }
}

/** What may be found after a crash. */
export interface Allowed {
  /** Sectors that the disk may have. */
  readonly sizes: ReadonlySet<number>;
  readonly sectors: readonly ReadonlySet<Stamp>[];
}

/** @throws Error when something was found that is not allowed */
export function judge(allowed: Allowed, found: Uint8Array): void {
  const size = found.length / sectorSize;
  if (!allowed.sizes.has(size)) {
    throw new Error(`the disk has ${size} sectors, but should have ${[...allowed.sizes].join(' or ')}`);
  }
  const contents = Buffer.from(found.buffer, found.byteOffset, found.length);
  for (let index = 0; index < size; index++) {
    const stamps = allowed.sectors[index];
    const stamp = stampOf(contents, index);
    if (stamps === undefined || stamp === undefined || !stamps.has(stamp)) {
      throw new Error(
        `sector ${index} holds ${stamp ?? 'a mixture'}, but should hold ${[...(stamps ?? [])].join(' or ')}`,
      );
    }
  }
}

/** Sectors as a write brings them: each says of which write it is, and where it belongs. */
export function stamped(stamp: Stamp, from: number, to: number): Buffer {
  const data = Buffer.alloc((to - from) * sectorSize);
  for (let sector = from; sector < to; sector++) {
    const start = (sector - from) * sectorSize;
    data.writeInt32BE(stamp, start);
    data.writeInt32BE(sector, start + 4);
    data.copyWithin(start + 8, start, start + 8);
    for (let length = 16; length < sectorSize; length *= 2) data.copyWithin(start + length, start, start + length);
  }
  return data;
}

/** @returns nothing when the sector is not as any write has left it */
function stampOf(contents: Buffer, sector: number): Stamp | undefined {
  const start = sector * sectorSize;
  const stamp = contents.readInt32BE(start);
  const whole = contents.subarray(start, start + sectorSize);
  const expected = stamp === 0 ? zeroes : stamped(stamp, sector, sector + 1);
  return whole.equals(expected) ? stamp : undefined;
}

const zeroes = Buffer.alloc(sectorSize);
