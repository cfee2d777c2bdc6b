import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { AllowedFolders } from '../../../cli/serve/allowed-folders.js';
import { createImage } from '../../../runtime/block/graph/create.js';
import { LayerClient } from './layer-client.js';

let root: string;
let client: LayerClient;

const at = (...parts: string[]): string => join(root, ...parts);

/** `in` is allowed. Between the look at a path and the opening it is the folder that is called `out` before and afterwards. */
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'opened-'));
  for (const folder of ['in', 'out']) {
    mkdirSync(at(folder));
    writeFileSync(at(folder, 'disk'), folder.padEnd(512));
  }
  const allowed = await AllowedFolders.of([at('in')]);
  client = new LayerClient({
    authorize: async (path, fd) => {
      if (fd === undefined) {
        await allowed.authorize(path);
        renameSync(at('in'), at('kept'));
        renameSync(at('out'), at('in'));
      } else {
        renameSync(at('in'), at('out'));
        renameSync(at('kept'), at('in'));
        await allowed.authorize(path, fd);
      }
    },
  });
  onTestFinished(async () => {
    await client.layer.close();
    rmSync(root, { recursive: true });
  });
});

const create = (name: string): Promise<void> =>
  createImage(client.layer.graph, { format: 'raw', filename: at('in', name), size: 1024, locking: 'off' });

describe('a folder that is exchanged between the look at a path and the opening', () => {
  it.each<[string, () => Promise<unknown>]>([
    [
      'opening an image',
      () => client.execute('blockdev-add', { options: { driver: 'file', 'node-name': 'n', filename: at('in/disk') } }),
    ],
    ['creating an image over a file', () => create('disk')],
    ['creating an image', () => create('new')],
    ['a secret', () => client.execute('object-add', { 'qom-type': 'secret', id: 's', file: at('in/disk') })],
    [
      'memory',
      () =>
        client.execute('object-add', {
          'qom-type': 'memory-backend-file',
          id: 'm',
          size: 4096,
          'mem-path': at('in/disk'),
        }),
    ],
    [
      'new memory',
      () =>
        client.execute('object-add', {
          'qom-type': 'memory-backend-file',
          id: 'm',
          size: 4096,
          'mem-path': at('in/new'),
        }),
    ],
    [
      'rules for errors',
      () =>
        client.execute('blockdev-add', {
          options: { driver: 'blkdebug', 'node-name': 'n', config: at('in/disk'), image: { driver: 'null-co' } },
        }),
    ],
  ])('leads %s nowhere, and leaves nothing behind', async (_, open) => {
    await expect(open()).rejects.toThrow('may not be used: it is not in an allowed folder');
    for (const folder of ['in', 'out']) {
      expect(readFileSync(at(folder, 'disk'), 'utf8').trim()).toBe(folder);
      expect(readdirSync(at(folder))).toEqual(['disk']);
    }
  });
});
