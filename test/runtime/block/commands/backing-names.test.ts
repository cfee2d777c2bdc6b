import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BlockDeviceInfo } from '../../../../generated/index.js';
import { createImage } from '../../../../runtime/block/graph/create.js';
import { BlockOptions } from '../../../../runtime/block/options.js';
import { LayerClient } from '../layer-client.js';

const options = (): BlockOptions => new BlockOptions([]);

let folder: string;
let client: LayerClient;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'backing-names-'));
  client = new LayerClient();
  await create('base');
  await create('other');
  await create('top', 'base');
});
afterEach(async () => {
  await client.layer.close();
  rmSync(folder, { recursive: true });
});

const at = (name: string): string => join(folder, name);

async function create(name: string, header?: string): Promise<void> {
  const backing = header === undefined ? {} : { backing: { name: header, format: 'qcow2' } };
  await createImage(client.layer.graph, {
    format: 'qcow2',
    filename: at(name),
    size: 65_536,
    options: options(),
    ...backing,
  });
}

const file = (name: string) => ({ driver: 'file', filename: at(name) });
const add = (node: string, name: string, more: object = {}): Promise<unknown> =>
  client.execute('blockdev-add', { driver: 'qcow2', 'node-name': node, file: file(name), ...more });

/** What queries show of a node; a `json:` name as the object that it is. */
async function shown(name: string) {
  const nodes = (await client.execute('query-named-block-nodes')) as BlockDeviceInfo[];
  const info = nodes.find((node) => node['node-name'] === name);
  const read = (text: string | undefined) => (text?.startsWith('json:') ? JSON.parse(text.slice(5)) : text);
  return {
    name: read(info?.file),
    over: read(info?.backing_file),
    header: info?.image['backing-filename'],
    full: info?.image['full-backing-filename'],
  };
}

const qcow2 = (name: string, more: object = {}) => ({ driver: 'qcow2', file: file(name), ...more });

describe('the file name of an image and that of its backing file', () => {
  it('shows a plain name over what the header names, however that is written', async () => {
    await add('n', 'top');
    const plain = { name: at('top'), over: at('base') };
    expect(await shown('n')).toEqual({ ...plain, header: 'base', full: at('base') });
    await create('prefixed', `file:${at('base')}`);
    await add('p', 'prefixed');
    expect(await shown('p')).toEqual({
      name: at('prefixed'),
      over: at('base'),
      header: `file:${at('base')}`,
      full: `file:${at('base')}`,
    });
  });

  it('shows what an image is over instead, and keeps what the header says', async () => {
    const header = { header: 'base', full: at('base') };
    await add('o', 'other');
    await add('n', 'top', { backing: 'o' });
    expect(await shown('n')).toEqual({ name: qcow2('top', { backing: qcow2('other') }), over: at('other'), ...header });
    await add('none', 'top', { backing: null, 'read-only': true, 'force-share': true });
    expect(await shown('none')).toEqual({ name: qcow2('top', { backing: null }), over: undefined, ...header });
  });

  it('shows a plain name over a node that has the very name which the header has', async () => {
    await create('absolute', at('base'));
    await add('b', 'base');
    await add('n', 'absolute', { backing: 'b' });
    expect(await shown('n')).toMatchObject({ name: at('absolute'), header: at('base') });
  });

  it('follows when the header or what is below changes, also in the images above', async () => {
    await create('upper', at('top'));
    await add('n', 'upper', { backing: { ...qcow2('top'), 'node-name': 'mid' } });
    expect((await shown('n')).name).toBe(at('upper'));
    const change = (name: string) =>
      client.execute('change-backing-file', { device: 'n', 'image-node-name': 'mid', 'backing-file': name });
    await change('null-co://');
    const overridden = qcow2('top', { backing: qcow2('base') });
    expect(await shown('mid')).toEqual({
      name: overridden,
      over: at('base'),
      header: 'null-co://',
      full: 'null-co://',
    });
    expect(await shown('n')).toMatchObject({ name: qcow2('upper', { backing: overridden }), header: at('top') });
    await change(at('base'));
    expect([(await shown('mid')).name, (await shown('n')).name]).toEqual([at('top'), at('upper')]);
  });

  it('shows a backing file by its own name, also where the header has a prefix', async () => {
    await create('prefixed', `file:${at('base')}`);
    await add('n', 'prefixed');
    await client.execute('change-backing-file', { device: 'n', 'image-node-name': 'n', 'backing-file': 'x' });
    expect((await shown('n')).name).toEqual(qcow2('prefixed', { backing: qcow2('base') }));
  });

  it('shows the overlay that a node is put under by what it is over', async () => {
    await create('empty');
    await add('b', 'base');
    await add('n', 'empty');
    await client.execute('blockdev-snapshot', { node: 'b', overlay: 'n' });
    expect(await shown('n')).toEqual({
      name: qcow2('empty', { backing: qcow2('base') }),
      over: at('base'),
      header: undefined,
      full: undefined,
    });
  });
});
