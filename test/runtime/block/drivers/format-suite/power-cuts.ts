import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { builtInDrivers } from '../../../../../runtime/block/built-in-drivers.js';
import type { Child } from '../../../../../runtime/block/driver.js';
import { createImage } from '../../../../../runtime/block/graph/create.js';
import type { RootOwner } from '../../../../../runtime/block/graph/node.js';
import { BlockOptions } from '../../../../../runtime/block/options.js';
import { RequestFlag } from '../../../../../runtime/block/request-flag.js';
import { LayerClient } from '../../layer-client.js';
import { PowerCutDisk, type Random } from '../../power-cut-disk.js';
import { randomFrom } from '../../random-from.js';
import { type Allowed, judge, SectorHistory, type Stamp, stamped } from '../../sector-history.js';
import { type FormatVariant, titleOf } from './variant.js';

/** `QAPI_FORMAT_RUNS` is for many more. */
const runs = Number(process.env.QAPI_FORMAT_RUNS ?? 6);
const sectorSize = 512;
const owner: RootOwner = { name: '', drainBegin: async () => {}, drainEnd: () => {} };

/** What a power cut has left, and what may be found in it. */
interface Cut {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly allowed: Allowed;
}

/** Tries out that disks hold what is written to them, also when the power is cut. */
export function holdsWhatIsWritten(variants: readonly FormatVariant[]): void {
  describe.each(variants.map((variant) => ({ variant, title: titleOf(variant) })))('$title', ({ variant }) => {
    it(
      'a disk reads as it was written, after any number of requests at once and after reopening',
      async () => {
        await fc.assert(
          fc.asyncProperty(fc.nat(), async (seed) => {
            const random = randomFrom(seed);
            const { disk, history } = await start(variant, random);
            for (let round = 0; round < 3; round++) {
              await used(disk, variant, (root) => work(root, variant, history, random, 4));
              await used(disk, variant, async (root) => judge(history.snapshot(), await contents(root)));
            }
          }),
          { numRuns: runs, endOnFailure: true },
        );
      },
      30_000 + runs * 2000,
    );

    it(
      'a power cut loses nothing that was flushed, and brings up nothing else',
      async () => {
        let cuts = 0;
        await fc.assert(
          fc.asyncProperty(fc.nat(), async (seed) => {
            const random = randomFrom(seed);
            for (const cut of await cutsUnder(variant, random, 0.02)) {
              cuts++;
              await judgeCut(variant, cut, random);
            }
          }),
          { numRuns: runs, endOnFailure: true },
        );
        expect(cuts).toBeGreaterThan(0);
      },
      30_000 + runs * 4000,
    );
  });
}

async function start(variant: FormatVariant, random: Random): Promise<{ disk: PowerCutDisk; history: SectorHistory }> {
  const { format, sectors, backing = 0, backingFormat = 'raw', options = {} } = variant;
  const disk = new PowerCutDisk(random, backingFormat === 'raw' ? [['backing', stamped(-1, 0, backing)]] : []);
  await using client = layerOn(disk);
  const { graph } = client.layer;
  if (backing > 0 && backingFormat !== 'raw') {
    const filename = 'power-cut:backing';
    await createImage(graph, { format: backingFormat, filename, size: backing * sectorSize });
    await opened(client, 'power-cut:backing', { driver: backingFormat }, (root) =>
      root.write(0, stamped(-1, 0, backing)),
    );
  }
  await createImage(graph, {
    format,
    filename: 'power-cut:image',
    size: sectors * sectorSize,
    options: new BlockOptions(Object.entries(options)),
    ...(backing > 0 ? { backing: { name: 'power-cut:backing', format: backingFormat } } : {}),
  });
  // Some formats make disks a bit longer.
  let length = 0;
  await used(disk, variant, async (root) => {
    length = root.node.length / sectorSize;
  });
  const history = new SectorHistory(Array.from({ length }, (_, sector) => (sector < backing ? -1 : 0)));
  return { disk, history };
}

function layerOn(disk: PowerCutDisk): LayerClient {
  return new LayerClient({ drivers: builtInDrivers([disk.driver]) });
}

async function opened(
  { layer }: LayerClient,
  filename: string,
  options: object,
  action: (root: Child) => Promise<void>,
): Promise<void> {
  const node = await layer.graph.open({ filename, options: BlockOptions.flatten(options) });
  const root = await layer.graph.attachRoot(node, owner);
  try {
    await action(root);
  } finally {
    await layer.graph.detachRoot(root);
  }
}

/** Opens the image, does something to it, and closes it. */
async function used(
  disk: PowerCutDisk,
  { format, backing = 0, backingFormat = 'raw', opening = {} }: FormatVariant,
  action: (root: Child) => Promise<void>,
): Promise<void> {
  await using client = layerOn(disk);
  const below = { driver: backingFormat, file: { driver: 'power-cut', filename: 'power-cut:backing' } };
  const options = {
    driver: format,
    ...(backing > 0 ? { backing: below } : {}),
    ...opening,
  };
  await opened(client, 'power-cut:image', options, action);
  expect(client.warnings).toEqual([]);
}

/** Does things at random, several at once but none to what another is at. */
async function work(
  root: Child,
  { backing = 0, packs = 0 }: FormatVariant,
  history: SectorHistory,
  random: Random,
  rounds: number,
): Promise<void> {
  const size = root.node.length / sectorSize;
  for (let round = 0; round < rounds; round++) {
    const busy: { readonly from: number; readonly to: number }[] = [];
    const running: Promise<void>[] = [];
    for (let count = 1 + Math.floor(random() * 6); count > 0; count--) {
      const packed = packs > 0 && random() < 0.2;
      const unit = packed ? packs : 1;
      const from = Math.floor((random() * size) / unit) * unit;
      const to = Math.min(size, from + unit * (1 + Math.floor((random() ** 4 * Math.min(size, 4000)) / unit)));
      if (busy.some((other) => from < other.to && other.from < to)) continue;
      busy.push({ from, to });
      running.push(packed ? pack(root, history, from, to) : change(root, history, random, from, to, backing));
    }
    if (random() < 0.3) running.push(flush(root, history));
    await Promise.all(running);
  }
  await flush(root, history);
}

async function flush(root: Child, history: SectorHistory): Promise<void> {
  const ended = history.flush();
  await root.flush();
  ended();
}

let stamps = 0;

/** A number that no write has had. */
function nextStamp(): number {
  stamps++;
  return stamps;
}

async function change(
  root: Child,
  history: SectorHistory,
  random: Random,
  from: number,
  to: number,
  backing: number,
): Promise<void> {
  const [offset, length] = [from * sectorSize, (to - from) * sectorSize];
  const kind = random();
  if (kind < 0.15) {
    const begun = history.begin(from, to, [0]);
    await root.writeZeroes(offset, length, random() < 0.5 ? RequestFlag.mayUnmap : 0);
    history.end(begun);
  } else if (kind < 0.2) {
    const begun = history.begin(from, to, [0, ...(backing > from ? [-1] : [])], false);
    await root.discard(offset, length);
    history.end(begun);
  } else {
    const stamp = nextStamp();
    const fua = random() < 0.2;
    const begun = history.begin(from, to, [stamp]);
    await root.write(offset, stamped(stamp, from, to), fua ? RequestFlag.fua : 0);
    history.end(begun, fua);
  }
}

async function pack(root: Child, history: SectorHistory, from: number, to: number): Promise<void> {
  const stamp = nextStamp();
  const begun = history.begin(from, to, [stamp]);
  await root.write(from * sectorSize, stamped(stamp, from, to), RequestFlag.compressed);
  history.end(begun);
}

async function contents(root: Child): Promise<Buffer> {
  const buffer = Buffer.alloc(root.node.length, 0xee);
  await root.read(0, buffer);
  return buffer;
}

async function cutsUnder(variant: FormatVariant, random: Random, often: number): Promise<Cut[]> {
  const { disk, history } = await start(variant, random);
  const cuts: Cut[] = [];
  const cut = (): void => {
    const files = new Map(disk.names.map((name) => [name, disk.afterPowerCut(name)]));
    cuts.push({ files, allowed: history.snapshot() });
  };
  disk.onMoment = () => {
    if (random() < often && cuts.length < 8) cut();
  };
  await used(disk, variant, (root) => work(root, variant, history, random, 4));
  disk.onMoment = () => {};
  cut();
  return cuts;
}

/** Opens what is left, judges it, and works on. */
async function judgeCut(variant: FormatVariant, { files, allowed }: Cut, random: Random): Promise<void> {
  const disk = new PowerCutDisk(random, files);
  if (variant.marked) {
    const readOnly = { ...variant, opening: { ...variant.opening, 'read-only': true } };
    await used(disk, readOnly, async (root) => judge(allowed, await contents(root)));
    return;
  }
  let history: SectorHistory | undefined;
  await used(disk, variant, async (root) => {
    const found = await contents(root);
    judge(allowed, found);
    history = new SectorHistory(stampsOf(found));
    await work(root, variant, history, random, 2);
  });
  await used(disk, variant, async (root) => judge((history as SectorHistory).snapshot(), await contents(root)));
}

function stampsOf(found: Buffer): Stamp[] {
  return Array.from({ length: found.length / sectorSize }, (_, sector) => found.readInt32BE(sector * sectorSize));
}
