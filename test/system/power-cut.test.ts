import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createImage } from '../../runtime/block/graph/create.js';
import { BlockOptions, type OptionValue } from '../../runtime/block/options.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { backingOf, cutsUnder } from '../runtime/block/power-cut-load.js';
import { geometries, loads } from '../runtime/block/power-cut-scenario.js';
import { randomFrom } from '../runtime/block/random-from.js';
import { judge, SectorHistory, stamped } from '../runtime/block/sector-history.js';
import { run } from './interop-images.js';
import { NbdClient, NbdConnectionLost } from './nbd-client.js';
import { describeWithPrograms, seed } from './programs.js';
import { bundledProgram, startServerProcess } from './serve-program.js';

/** `QAPI_POWER_CUT_KILLS` is how often each image's server is killed. */
const kills = Number(process.env.QAPI_POWER_CUT_KILLS ?? 8);
const sectorSize = 512;

interface Subject {
  readonly sectors: number;
  /** Sectors of the backing file; 0: there is none. */
  readonly backing: number;
  readonly options: readonly (readonly [string, OptionValue])[];
  readonly lazy?: boolean;
  /** It has a luks volume inside. */
  readonly encrypted?: boolean;
  /** A bitmap in it records what is written. */
  readonly recorded?: boolean;
}

const subjects: readonly Subject[] = [
  { sectors: 8192, backing: 0, options: [] },
  {
    sectors: 6000,
    backing: 5001,
    options: [
      ['cluster_size', 512],
      ['refcount_bits', 64],
    ],
  },
  {
    sectors: 6000,
    backing: 7000,
    options: [
      ['compat', '0.10'],
      ['cluster_size', 4096],
    ],
  },
  {
    sectors: 5001,
    backing: 3000,
    lazy: true,
    options: [
      ['cluster_size', 2048],
      ['refcount_bits', 1],
      ['lazy_refcounts', true],
    ],
  },
  { sectors: 8192, backing: 0, lazy: true, options: [['lazy_refcounts', true]] },
  {
    sectors: 6000,
    backing: 5001,
    recorded: true,
    options: [
      ['extended_l2', true],
      ['compression_type', 'zstd'],
    ],
  },
  {
    sectors: 6000,
    backing: 3000,
    options: [
      ['data_file', 'data'],
      ['cluster_size', 4096],
    ],
  },
  {
    sectors: 5001,
    backing: 0,
    options: [
      ['data_file', 'raw-data'],
      ['data_file_raw', true],
      ['extended_l2', true],
    ],
  },
  { sectors: 5001, backing: 3000, encrypted: true, options: [['cluster_size', 16_384]] },
];

const key = { 'qom-type': 'secret', id: 'key', data: 'correct horse' };
const luks = { format: 'luks', 'key-secret': 'key' };

/** Requests without end, some at a time, none at the same place as another that is in flight. */
class Guest {
  readonly #client: NbdClient;
  readonly #history: SectorHistory;
  readonly #subject: Subject;
  readonly #random: () => number;
  readonly #busy = new Set<number>();
  #onRequest: () => void = () => {};
  #stamp: number;

  constructor(client: NbdClient, history: SectorHistory, subject: Subject, random: () => number, stamp: number) {
    this.#client = client;
    this.#history = history;
    this.#subject = subject;
    this.#random = random;
    this.#stamp = stamp;
  }

  /**
   * Goes on until the connection is lost.
   *
   * @param atOnce how many requests are in flight
   * @param patience how many are done before `impatient` is called
   * @returns the number that no write has had yet
   */
  async work(atOnce: number, patience: number, impatient: () => void): Promise<number> {
    this.#onRequest = () => {
      if (patience-- === 0) impatient();
    };
    await Promise.all(Array.from({ length: atOnce }, () => this.#workAlone()));
    return this.#stamp;
  }

  async #workAlone(): Promise<void> {
    try {
      for (;;) {
        this.#onRequest();
        await this.#request();
      }
    } catch (error) {
      if (!(error instanceof NbdConnectionLost)) throw error;
    }
  }

  async #request(): Promise<void> {
    const random = this.#random;
    const client = this.#client;
    const kind = Math.floor(random() * 20);
    if (kind === 0) {
      const ended = this.#history.flush();
      await client.flush();
      ended();
      return;
    }
    const { sectors, backing } = this.#subject;
    const from = Math.floor(random() * sectors);
    const to = Math.min(sectors, from + 1 + Math.floor(random() ** 3 * 300));
    for (let sector = from; sector < to; sector++) {
      if (this.#busy.has(sector)) return setTimeout(1);
    }
    for (let sector = from; sector < to; sector++) this.#busy.add(sector);
    const [offset, length] = [from * sectorSize, (to - from) * sectorSize];
    if (kind < 4) {
      const change = this.#history.begin(from, to, [0]);
      await client.writeZeroes(offset, length, { unmap: kind === 1 });
      this.#history.end(change);
    } else if (kind < 6) {
      const values = [0, ...(from < backing ? [-1] : [])];
      const change = this.#history.begin(from, to, values, false);
      await client.trim(offset, length);
      this.#history.end(change);
    } else {
      const fua = kind === 6;
      const stamp = this.#stamp++;
      const change = this.#history.begin(from, to, [stamp]);
      await client.write(offset, stamped(stamp, from, to), { fua });
      this.#history.end(change, fua);
    }
    for (let sector = from; sector < to; sector++) this.#busy.delete(sector);
  }
}

describeWithPrograms('a server that is killed', ['qemu-img'], () => {
  let folder: string;
  let program: string;
  let remove: () => void;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'power-cut-'));
    ({ program, remove } = await bundledProgram());
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
    remove();
  });

  /** Starts a server with the image, which judges what is there, and has a guest work on it until the server is killed. */
  async function workUntilKilled(
    subject: Subject,
    image: string,
    before: SectorHistory,
    stamp: number,
    random: () => number,
  ): Promise<{ history: SectorHistory; stamp: number }> {
    const socket = join(folder, 'socket');
    const node = {
      driver: 'qcow2',
      'node-name': 'disk',
      file: { driver: 'file', filename: image },
      discard: random() < 0.5 ? 'unmap' : 'ignore',
      ...(random() < 0.5 ? { 'l2-cache-size': 1, 'refcount-cache-size': 1 } : {}),
      ...(subject.encrypted && { encrypt: luks }),
    };
    const args = [
      '--object',
      JSON.stringify(key),
      '--blockdev',
      JSON.stringify(node),
      '--nbd',
      `unix:${socket},node=disk,writable=on`,
    ];
    const server = startServerProcess(program, args);
    await server.ready;
    const client = await NbdClient.connect(socket, 'disk');
    const found = await client.read(0, subject.sectors * sectorSize);
    judge(before.snapshot(), found);
    // What is there now came from the disk, which the last server left to the system: it is as good as flushed.
    const stamps = Array.from({ length: subject.sectors }, (_, index) => found.readInt32BE(index * sectorSize));
    const history = new SectorHistory(stamps);
    const guest = new Guest(client, history, subject, random, stamp);
    const next = await guest.work(1 + Math.floor(random() * 12), Math.floor(random() ** 2 * 150), () => {
      void setTimeout(random() * 5).then(() => server.process.kill('SIGKILL'));
    });
    await server.ended;
    return { history, stamp: next };
  }

  test.each(
    subjects.map((subject, index) => ({
      ...subject,
      index,
      title: [...subject.options, ...(subject.encrypted ? ['encrypted'] : [])].join(' '),
    })),
  )(
    'leaves what was flushed, and no errors: $sectors sectors, $title',
    async ({ index, ...subject }) => {
      const random = randomFrom(seed + index);
      const image = join(folder, `image${index}.qcow2`);
      const base = join(folder, `base${index}.raw`);
      const client = new LayerClient();
      await client.execute('object-add', key);
      writeFileSync(base, stamped(-1, 0, subject.backing));
      await createImage(client.layer.graph, {
        format: 'qcow2',
        filename: image,
        size: subject.sectors * sectorSize,
        options: new BlockOptions([
          ...subject.options.map(
            // QEMU looks for a relative name in its own folder.
            ([name, value]) => [name, name === 'data_file' ? join(folder, String(value)) : value] as const,
          ),
          ...(subject.encrypted
            ? Object.entries(luks).map(([name, value]) => [`encrypt.${name}`, value] as const)
            : []),
          ...(subject.encrypted ? [['encrypt.iter-time', 10] as const] : []),
        ]),
        ...(subject.backing === 0 ? {} : { backing: { name: base, format: 'raw' } }),
      });
      if (subject.recorded) {
        const file = { driver: 'file', filename: image };
        await client.execute('blockdev-add', { options: { driver: 'qcow2', 'node-name': 'disk', file } });
        await client.execute('block-dirty-bitmap-add', { node: 'disk', name: 'b', persistent: true });
      }
      await client.layer.close();
      const target = `driver=qcow2,file.filename=${image}${subject.encrypted ? ',encrypt.key-secret=key' : ''}`;
      let stamp = 1;
      const initial = Array.from({ length: subject.sectors }, (_, sector) => (sector < subject.backing ? -1 : 0));
      let history = new SectorHistory(initial);
      for (let round = 0; round <= kills; round++) {
        const context = `QAPI_SEED=${seed}, image ${index}, killed ${round} times`;
        try {
          ({ history, stamp } = await workUntilKilled(subject, image, history, stamp, random));
          if (!subject.lazy) await checkSound(target, false);
          else if (random() < 0.5) await checkSound(target, true);
          // Otherwise the next server repairs it.
        } catch (error) {
          throw new Error(context, { cause: error });
        }
      }
    },
    60_000 + kills * 5000,
  );

  test('what a simulated power cut leaves is judged the same by qemu-img', async () => {
    const path = join(folder, 'cut.qcow2');
    let found = 0;
    await fc.assert(
      fc.asyncProperty(geometries, loads, fc.nat(), async (geometry, load, start) => {
        const random = randomFrom(start);
        const cuts = await cutsUnder(geometry, load, random, 0.02);
        writeFileSync(join(folder, 'backing'), backingOf(geometry));
        for (const cut of cuts.slice(-3)) {
          found++;
          writeFileSync(path, cut.image);
          const backing =
            geometry.backing === 0 ? '' : `,backing.driver=raw,backing.file.filename=${join(folder, 'backing')}`;
          const target = `driver=qcow2,file.filename=${path}${backing}`;
          await checkSound(target, geometry.lazy);
          const copy = `${path}.copy`;
          await run('qemu-img', ['convert', '--image-opts', '-O', 'raw', target, copy]);
          judge(cut.allowed, readFileSync(copy));
        }
      }),
      { numRuns: 10, seed },
    );
    expect(found).toBeGreaterThan(9);
  }, 60_000);
});

/** @throws Error when qemu-img finds more than leaks; repairs first, where that is to be expected */
async function checkSound(target: string, dirty: boolean): Promise<void> {
  const given = ['check', '--object', `secret,id=key,data=${key.data}`, '--image-opts'];
  if (dirty) await run('qemu-img', [...given, '-q', '-r', 'all', target]).catch(ignoreLeaks);
  await run('qemu-img', [...given, target]).catch(ignoreLeaks);
}

/** 3 is the exit code of `qemu-img check` for leaks and nothing else. */
function ignoreLeaks(error: { readonly code?: number }): void {
  if (error.code !== 3) throw error;
}
