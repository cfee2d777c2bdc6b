import { expect, it } from 'vitest';
import { builtInDrivers } from '../../../../runtime/block/built-in-drivers.js';
import { readDrive } from '../../../../runtime/block/drive/read-drive.js';
import { createImage } from '../../../../runtime/block/graph/create.js';
import { BlockOptions } from '../../../../runtime/block/options.js';
import { LayerClient } from '../layer-client.js';
import { PowerCutDisk } from '../power-cut-disk.js';
import { randomFrom } from '../random-from.js';

/** `QAPI_POWER_CUT_RUNS` is for many more. */
const runs = Math.ceil(Number(process.env.QAPI_POWER_CUT_RUNS ?? 30) / 5);

const size = 512 * 1024;
const names = ['base', 'mid', 'top'] as const;
type Files = readonly (readonly [name: string, bytes: Uint8Array])[];

const jobs: readonly (readonly [name: string, command: string, args: object, completed: boolean])[] = [
  ['a stream', 'block-stream', { device: 'd0' }, false],
  ['a stream to a base', 'block-stream', { device: 'd0', base: 'power-cut:base' }, false],
  ['a commit below the active image', 'block-commit', { device: 'd0', top: 'power-cut:mid' }, false],
  ['a commit of the active image', 'block-commit', { device: 'd0' }, true],
  ['a snapshot', 'blockdev-snapshot-sync', { device: 'd0', 'snapshot-file': 'power-cut:new' }, false],
  ['a snapshot inside the image', 'blockdev-snapshot-internal-sync', { device: 'd0', name: 's' }, false],
];

function clientOn(disk: PowerCutDisk): LayerClient {
  return new LayerClient({ drivers: builtInDrivers([disk.driver]) });
}

async function attach({ layer }: LayerClient, name: string): Promise<void> {
  await layer.addDrive(readDrive(`file=power-cut:${name},format=qcow2,if=none,id=d0`, layer.registry));
}

async function content({ layer }: LayerClient): Promise<Buffer> {
  const buffer = Buffer.alloc(size);
  await layer.backend('d0')?.read(0, buffer);
  return buffer;
}

/** A chain of three images with data in each, as it is after everything has been closed, and what is read from it. */
async function chain(random: () => number): Promise<{ files: Files; model: Buffer }> {
  const disk = new PowerCutDisk(random, []);
  const client = clientOn(disk);
  const model = Buffer.alloc(size);
  for (const [index, name] of names.entries()) {
    await createImage(client.layer.graph, {
      format: 'qcow2',
      filename: `power-cut:${name}`,
      size,
      options: new BlockOptions([['cluster_size', 4096]]),
      ...(index === 0 ? {} : { backing: { name: `power-cut:${names[index - 1]}`, format: 'qcow2' } }),
    });
    await attach(client, name);
    for (let writes = 0; writes < 6; writes++) {
      const offset = Math.floor((random() * size) / 512) * 512;
      const data = Buffer.alloc(
        Math.min(size - offset, 512 * (1 + Math.floor(random() * 100))),
        1 + Math.floor(random() * 255),
      );
      await client.layer.backend('d0')?.write(offset, data);
      data.copy(model, offset);
    }
    await client.layer.deleteDrive('d0');
  }
  await client.layer.close();
  return { files: names.map((name) => [name, disk.afterPowerCut(name)] as const), model };
}

it.each(jobs)(
  'loses nothing when the power is cut in %s',
  async (_, command, args, completed) => {
    let cuts = 0;
    for (let seed = 1; seed <= runs; seed++) {
      const random = randomFrom(seed);
      const { files, model } = await chain(random);
      const disk = new PowerCutDisk(random, files);
      const client = clientOn(disk);
      await attach(client, 'top');
      const left: Files[] = [];
      disk.onMoment = () => {
        if (random() < 0.03) left.push(names.map((name) => [name, disk.afterPowerCut(name)] as const));
      };
      await client.execute(command, args);
      while (client.layer.jobs.all.length > 0) {
        const [job] = client.layer.jobs.all;
        if (completed && job?.info.ready) await client.execute('block-job-complete', { device: 'd0' }).catch(() => {});
        await new Promise((go) => setImmediate(go));
      }
      left.push(names.map((name) => [name, disk.afterPowerCut(name)] as const));
      disk.onMoment = () => {};
      expect((await content(client)).equals(model)).toBe(true);
      await client.layer.close();
      for (const [index, remains] of left.entries()) {
        const after = clientOn(new PowerCutDisk(random, remains));
        await attach(after, 'top');
        const what = `seed ${seed}, cut ${index} of ${left.length}`;
        expect({ what, intact: (await content(after)).equals(model) }).toEqual({ what, intact: true });
        await after.layer.close();
      }
      cuts += left.length;
    }
    expect(cuts).toBeGreaterThan(runs);
  },
  120_000,
);
