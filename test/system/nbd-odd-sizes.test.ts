import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createImage } from '../../runtime/block/graph/create.js';
import { BlockOptions } from '../../runtime/block/options.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { run } from './interop-images.js';
import { NbdClient } from './nbd-client.js';
import { describeWithPrograms } from './programs.js';

const size = 1_048_576;

describeWithPrograms(
  'exports of images whose blocks are larger than a byte',
  ['qemu-img', 'nbdinfo', 'nbdcopy'],
  () => {
    let folder: string;
    let client: LayerClient;
    const image = () => join(folder, 'image');
    const socket = () => join(folder, 'socket');
    const uri = () => `nbd+unix:///disk?socket=${socket()}`;

    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'nbd-odd-'));
    });
    afterAll(() => rmSync(folder, { recursive: true }));
    afterEach(async () => {
      await client.layer.close();
      rmSync(image());
    });

    async function serve(format: string): Promise<void> {
      client = new LayerClient();
      const secret = format === 'luks' ? { 'key-secret': 'key' } : {};
      if (format === 'luks') await client.execute('object-add', { 'qom-type': 'secret', id: 'key', data: 'phrase' });
      const options = new BlockOptions(
        format === 'luks'
          ? [
              ['key-secret', 'key'],
              ['iter-time', 10],
            ]
          : [],
      );
      await createImage(client.layer.graph, { format, filename: image(), size, options });
      const file = { driver: 'file', filename: image() };
      await client.execute('blockdev-add', { options: { driver: format, 'node-name': 'disk', ...secret, file } });
      await client.execute('nbd-server-start', { addr: { type: 'unix', data: { path: socket() } } });
      await client.execute('nbd-server-add', { device: 'disk', writable: true });
    }

    test.each(['qcow2', 'luks', 'raw'])('a %s export takes requests of every size at every place', async (format) => {
      await serve(format);
      const { stdout } = await run('nbdinfo', ['--json', uri()]);
      expect(JSON.parse(stdout)).toMatchObject({ exports: [{ block_size_minimum: 1, 'export-size': size }] });
      const expected = Buffer.alloc(size);
      const guest = await NbdClient.connect(socket(), 'disk');
      // What was never written to a luks volume is undefined.
      await guest.write(0, expected);
      const places = [0, 1, 511, 512, 513, 4095, 65_535, 65_536, 100_001, size - 70_000];
      for (const offset of places) {
        for (const length of [1, 5, 511, 513, 1025, 65_537]) {
          const data = randomBytes(length);
          data.copy(expected, offset);
          await guest.write(offset, data);
        }
      }
      await guest.writeZeroes(3, 70_001);
      expected.fill(0, 3, 70_004);
      for (const offset of places) {
        expect((await guest.read(offset, 65_537)).equals(expected.subarray(offset, offset + 65_537))).toBe(true);
      }
      await guest.close();
      const copy = join(folder, `copy-${format}`);
      await run('nbdcopy', [uri(), copy]);
      expect(readFileSync(copy).equals(expected)).toBe(true);
    });

    test('nbdcopy writes a file of an odd size into a qcow2 export, and all of it arrives', async () => {
      await serve('qcow2');
      const source = join(folder, 'source');
      const data = randomBytes(300_001);
      writeFileSync(source, data);
      await run('nbdcopy', [source, uri()]);
      const guest = await NbdClient.connect(socket(), 'disk');
      expect((await guest.read(0, data.length)).equals(data)).toBe(true);
      await guest.close();
    });
  },
);
