import { builtInDrivers } from '../../../runtime/block/built-in-drivers.js';
import type { Child } from '../../../runtime/block/driver.js';
import { check } from '../../../runtime/block/drivers/qcow2/check/check.js';
import type { CheckResult } from '../../../runtime/block/drivers/qcow2/check/report.js';
import { IncompatibleFeature, readHeader } from '../../../runtime/block/drivers/qcow2/format/header.js';
import { createImage } from '../../../runtime/block/graph/create.js';
import type { RootOwner } from '../../../runtime/block/graph/node.js';
import { BlockOptions } from '../../../runtime/block/options.js';
import { RequestFlag } from '../../../runtime/block/request-flag.js';
import { LayerClient } from './layer-client.js';
import { PowerCutDisk, type Random } from './power-cut-disk.js';
import type { Action, Geometry } from './power-cut-scenario.js';
import { type Allowed, judge, SectorHistory, type Stamp, stamped } from './sector-history.js';

/** What a power cut has left, and what may be found in it. */
export interface Cut {
  readonly image: Uint8Array;
  readonly allowed: Allowed;
}

const sectorSize = 512;
const imageName = 'power-cut:image';
const backingName = 'power-cut:backing';
const passingOwner: RootOwner = { name: '', drainBegin: async () => {}, drainEnd: () => {} };

/** What the backing file has at a sector. */
function behind(geometry: Geometry): (sector: number) => Stamp {
  return (sector) => (sector < geometry.backing ? -1 : 0);
}

/** Contents of the backing file. */
export function backingOf({ backing }: Geometry): Buffer {
  return stamped(-1, 0, backing);
}

function diskWith(geometry: Geometry, random: Random, image?: Uint8Array): PowerCutDisk {
  return new PowerCutDisk(random, [
    ['backing', backingOf(geometry)],
    ...(image === undefined ? [] : [['image', image] as const]),
  ]);
}

function layerOn(disk: PowerCutDisk): LayerClient {
  return new LayerClient({ drivers: builtInDrivers([disk.driver]) });
}

/** Opens the image, does something to it, and closes it. */
async function withImage(
  { layer }: LayerClient,
  { smallCaches, passDiscards, keepsDiscarded, backing }: Geometry,
  action: (root: Child) => Promise<void>,
): Promise<void> {
  const node = await layer.graph.open({
    options: BlockOptions.flatten({
      driver: 'qcow2',
      'node-name': 'disk',
      file: { driver: 'power-cut', filename: 'image' },
      backing: backing === 0 ? '' : { driver: 'raw', file: { driver: 'power-cut', filename: 'backing' } },
      discard: 'unmap',
      'pass-discard-request': passDiscards,
      'pass-discard-other': passDiscards,
      'discard-no-unref': keepsDiscarded,
      ...(smallCaches ? { 'l2-cache-size': 0, 'refcount-cache-size': 0 } : {}),
    }),
  });
  const root = await layer.graph.attachRoot(node, passingOwner);
  try {
    await action(root);
  } finally {
    await layer.graph.detachRoot(root);
  }
}

/**
 * Makes an image and works on it; at random moments, the power is cut: the disk tells what would be left.
 *
 * @param often how probable that is at each of the moments
 * @param honest whether the disk's flushes do what they say
 */
export async function cutsUnder(
  geometry: Geometry,
  load: readonly (readonly Action[])[],
  random: Random,
  often: number,
  honest = true,
): Promise<Cut[]> {
  const cuts: Cut[] = [];
  const disk = diskWith(geometry, random);
  const client = layerOn(disk);
  await createImage(client.layer.graph, {
    format: 'qcow2',
    filename: imageName,
    size: geometry.sectors * sectorSize,
    options: new BlockOptions([
      ['compat', geometry.compat],
      ['cluster_size', 2 ** geometry.clusterBits],
      ...(geometry.compat === '1.1'
        ? ([
            ['refcount_bits', geometry.refcountBits],
            ['lazy_refcounts', geometry.lazy],
          ] as const)
        : []),
    ]),
    ...(geometry.backing === 0 ? {} : { backing: { name: backingName, format: 'raw' } }),
  });
  disk.honest = honest;
  const history = new SectorHistory(Array.from({ length: geometry.sectors }, (_, index) => behind(geometry)(index)));
  disk.onMoment = () => {
    if (random() < often) cuts.push({ image: disk.afterPowerCut('image'), allowed: history.snapshot() });
  };
  await withImage(client, geometry, async (root) => {
    const worker = new Worker(geometry, root, history);
    for (const group of load) await worker.run(group);
  });
  disk.onMoment = () => {};
  cuts.push({ image: disk.afterPowerCut('image'), allowed: history.snapshot() });
  await client.layer.close();
  return cuts;
}

/** Does what a load says, and has the history know of it. */
class Worker {
  readonly #unit: number;
  readonly #root: Child;
  readonly #history: SectorHistory;
  readonly #behind: (sector: number) => Stamp;
  #stamp: number;

  constructor(geometry: Geometry, root: Child, history: SectorHistory, stamp = 1) {
    this.#unit = Math.max(1, 2 ** geometry.clusterBits / sectorSize);
    this.#root = root;
    this.#history = history;
    this.#behind = behind(geometry);
    this.#stamp = stamp;
  }

  /** Does some things at once, unless they touch the same sectors: the order of such is undefined. */
  async run(group: readonly Action[]): Promise<void> {
    const used = new Set<number>();
    let running: Promise<void>[] = [];
    for (const action of group) {
      if (action.kind === 'resize') {
        await Promise.all(running);
        running = [];
        used.clear();
        await this.#resize(action.part);
      } else if (action.kind === 'flush') {
        running.push(this.#flush());
      } else {
        const unit = action.kind === 'compressed' ? this.#unit : 1;
        const size = this.#root.node.length / sectorSize;
        const from = Math.floor((action.at * size) / unit) * unit;
        const to = Math.min(size, from + Math.ceil((action.length * size) / unit) * unit);
        const sectors = Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);
        if (sectors.length === 0 || sectors.some((sector) => used.has(sector))) continue;
        for (const sector of sectors) used.add(sector);
        running.push(this.#change(action.kind, from, to, action.flag));
      }
    }
    await Promise.all(running);
  }

  async #change(
    kind: 'write' | 'zeroes' | 'discard' | 'compressed',
    from: number,
    to: number,
    flag: boolean,
  ): Promise<void> {
    const root = this.#root;
    const history = this.#history;
    const [offset, length] = [from * sectorSize, (to - from) * sectorSize];
    if (kind === 'discard') {
      const change = history.begin(from, to, [0, this.#behind(from), this.#behind(to - 1)], false);
      await root.discard(offset, length);
      history.end(change);
    } else if (kind === 'zeroes') {
      const change = history.begin(from, to, [0]);
      await root.writeZeroes(offset, length, flag ? RequestFlag.mayUnmap : 0);
      history.end(change);
    } else {
      const stamp = this.#stamp++;
      const change = history.begin(from, to, [stamp]);
      const data = stamped(stamp, from, to);
      await root.write(offset, data, kind === 'compressed' ? RequestFlag.compressed : flag ? RequestFlag.fua : 0);
      history.end(change, flag && kind === 'write');
    }
  }

  async #flush(): Promise<void> {
    const end = this.#history.flush();
    await this.#root.flush();
    end();
  }

  async #resize(to: number): Promise<void> {
    const size = Math.floor((this.#root.node.length / sectorSize + 10) * to * 1.6);
    const end = this.#history.resize(size, this.#behind);
    await this.#root.truncate(size * sectorSize);
    end();
  }
}

/**
 * Looks at what a power cut has left: only space may be lost, and what was flushed is there. Then works on with it. Where it is
 * repaired first, the power may be cut meanwhile, too.
 *
 * @throws Error when that is not so
 */
export async function judgeCut(
  geometry: Geometry,
  cut: Cut,
  more: readonly Action[],
  random: Random,
  again = true,
): Promise<void> {
  const disk = diskWith(geometry, random, cut.image);
  const client = layerOn(disk);
  await expectSound(client, true);
  const duringRepair: Cut[] = [];
  if (again && random() < 0.3) {
    disk.onMoment = () => {
      if (duringRepair.length === 0 && random() < 0.02)
        duringRepair.push({ ...cut, image: disk.afterPowerCut('image') });
    };
  }
  await withImage(client, geometry, async (root) => {
    disk.onMoment = () => {};
    const found = Buffer.alloc(root.node.length);
    await root.read(0, found);
    judge(cut.allowed, found);
    const stamps = Array.from({ length: found.length / sectorSize }, (_, index) =>
      found.readInt32BE(index * sectorSize),
    );
    const history = new SectorHistory(stamps);
    const worker = new Worker(geometry, root, history, 1_000_000);
    await worker.run(more);
    const ended = history.flush();
    await root.flush();
    ended();
    const after = Buffer.alloc(root.node.length);
    await root.read(0, after);
    judge(history.snapshot(), after);
  });
  await expectSound(client, false);
  await client.layer.close();
  for (const other of duringRepair) await judgeCut(geometry, other, more, random, false);
}

/** @throws Error when the image has errors. One that is marked as not closed is to be repaired first. */
async function expectSound({ layer }: LayerClient, maybeDirty: boolean): Promise<void> {
  const node = await layer.graph.open({ filename: imageName, role: 'protocol' });
  const file = await layer.graph.attachRoot(node, passingOwner);
  try {
    const dirty = ((await readHeader(file)).incompatible & IncompatibleFeature.dirty) !== 0;
    if (dirty && maybeDirty) return;
    const result: CheckResult = await check(file);
    if (dirty || result.corruptions + result.checkErrors > 0) {
      throw new Error(`the image is ${dirty ? 'dirty' : 'corrupt'}: ${JSON.stringify(result.problems.slice(0, 5))}`);
    }
  } finally {
    await layer.graph.detachRoot(file);
  }
}
