import { describe, expect, it } from 'vitest';
import { createImage, type ImageRequest } from '../../../../runtime/block/graph/create.js';
import { BlockOptions } from '../../../../runtime/block/options.js';
import { scene } from './scene.js';

/** Makes an image, after which nothing is open any more, whether that worked or not. */
async function create(request: ImageRequest, all = scene()) {
  try {
    await createImage(all.graph, request);
  } finally {
    expect([all.disk.open, [...all.graph.nodes]]).toEqual([0, []]);
  }
  return all;
}

describe('making images', () => {
  it('makes a file in which the format writes its image', async () => {
    const { disk, graph } = await create({ format: 'cow', filename: 'new.cow', size: 1000 });
    const node = await graph.open({ filename: 'new.cow' });
    expect([disk.files.get('new.cow')?.length, node.driver.name, node.length]).toEqual([1536, 'cow', 1024]);
  });

  it('empties a file that is there', async () => {
    const all = scene();
    all.disk.files.set('new.cow', new Uint8Array(9999).fill(1));
    await create({ format: 'cow', filename: 'new.cow', size: 0 }, all);
    expect(all.disk.files.get('new.cow')?.length).toBe(512);
  });

  it('gives a file its size where that is all', async () => {
    const options = new BlockOptions([['preallocation', 'off']]);
    const { disk } = await create({ format: 'raw', filename: 'file:new.img', size: 1000, options });
    expect(disk.files.get('new.img')?.length).toBe(1024);
    expect(options.has('preallocation')).toBe(true);
  });

  it('takes the size from the backing file, beside the image', async () => {
    const all = scene();
    all.disk.addCow('dir/base.cow', 2048);
    await create({ format: 'cow', filename: 'dir/new.cow', backing: { name: 'base.cow', format: 'cow' } }, all);
    const node = await all.graph.open({ filename: 'dir/new.cow' });
    expect([node.length, node.below?.filename, node.below?.flags.readOnly]).toEqual([2048, 'dir/base.cow', true]);
  });

  it.each<[string, ImageRequest, RegExp]>([
    ['no such format', { format: 'nope', filename: 'a', size: 0 }, /Unknown driver 'nope'/],
    ['none that is built in', { format: 'vdi', filename: 'a', size: 0 }, /not built in/],
    ['a protocol for a name of another', { format: 'file', filename: 'drive:a', size: 0 }, /does not support/],
    ['no such protocol', { format: 'cow', filename: 'nope:a', size: 0 }, /Unknown protocol 'nope'/],
    ['a protocol that makes no files', { format: 'cow', filename: 'drive:a', size: 0 }, /'drive' does not support/],
    ['backing files where there are none', { format: 'raw', filename: 'a', backing: { name: 'b' } }, /not supported/],
    ['an image over itself', { format: 'cow', filename: 'a', backing: { name: 'a' }, size: 0 }, /same filename/],
    ['no size', { format: 'cow', filename: 'a' }, /needs a size/],
    ['a backing file that is not there', { format: 'cow', filename: 'a', backing: { name: 'b' } }, /'b'/],
  ])('refuses %s before anything is made', async (_, request, message) => {
    const all = scene();
    await expect(create(request, all)).rejects.toThrow(message);
    expect([...all.disk.files.keys()]).toEqual([]);
  });

  it.each<[string, Partial<ImageRequest>, RegExp]>([
    ['an option', { options: new BlockOptions([['bogus', 1]]) }, /Could not create 'a': Invalid parameter 'bogus'/],
    ['a size', { size: 2 ** 31 }, /^The image size is too large for file format 'cow'$/],
  ])('reports that the format does not know %s', async (_, request, message) => {
    await expect(create({ format: 'cow', filename: 'a', size: 512, ...request })).rejects.toThrow(message);
  });

  it('makes a file where the format is the protocol of its name', async () => {
    const { disk } = await create({ format: 'file', filename: 'a', size: 1000 });
    expect(disk.files.get('a')?.length).toBe(1024);
  });

  it('hands the format its options', async () => {
    const all = scene();
    const steps: string[] = [];
    all.disk.onStep = (step) => void steps.push(step);
    await create({ format: 'cow', filename: 'a', size: 0, options: new BlockOptions([['flavour', 'x']]) }, all);
    expect(steps).toEqual(['create a', 'open a', 'create cow x']);
  });

  it.each(['create a', 'open a', 'create cow '])('leaves nothing open when it fails: %s', async (failing) => {
    const all = scene();
    all.disk.onStep = (step) => {
      if (step === failing) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    };
    await expect(create({ format: 'cow', filename: 'a', size: 0 }, all)).rejects.toMatchObject({ code: 'ENOSPC' });
  });
});
