import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BlockGraph } from '../../../../runtime/block/graph/graph.js';
import { BlockOptions } from '../../../../runtime/block/options.js';
import { MemoryDisk } from '../memory-drivers.js';

function setUp() {
  const disk = new MemoryDisk();
  disk.files.set('disk.img', new Uint8Array(4096).fill(7));
  disk.files.set('base.img', new Uint8Array(2048).fill(1));
  disk.addCow('top.cow', 4096, 'base.img', 'raw');
  return { disk, graph: disk.graph() };
}

const add = async (graph: BlockGraph, options: object) => {
  const node = await graph.open({ options: BlockOptions.flatten(options) });
  node.monitorOwned = true;
  return node;
};

const names = (graph: BlockGraph) => [...graph.nodes].map((node) => node.name);

describe('opening a node', () => {
  it('opens a format on an inline file, which gets a name that no user can give', async () => {
    const { graph } = setUp();
    const node = await add(graph, { driver: 'raw', 'node-name': 'n', file: { driver: 'file', filename: 'disk.img' } });
    expect(node.length).toBe(4096);
    expect(names(graph)).toEqual([expect.stringMatching(/^#block\d+\d\d$/), 'n']);
    expect(node.filename).toBe('disk.img');
  });

  it('probes where no driver is named', async () => {
    const { graph } = setUp();
    expect((await graph.open({ filename: 'top.cow' })).driver.name).toBe('cow');
    expect((await graph.open({ filename: 'disk.img' })).driver.name).toBe('raw');
  });

  it('opens the backing file that the header names, read-only', async () => {
    const { graph } = setUp();
    const node = await graph.open({ filename: 'top.cow' });
    expect(node.below?.driver.name).toBe('raw');
    expect(node.below?.flags.readOnly).toBe(true);
    expect([node.instance?.backingFile?.name, node.backingOverridden]).toEqual(['base.img', false]);
    expect(node.flags.readOnly).toBe(false);
  });

  it('reads zeroes beyond the end of a shorter backing file', async () => {
    const { graph } = setUp();
    const node = await graph.open({ filename: 'top.cow' });
    const buffer = Buffer.alloc(1024);
    await node.requests.read(1536, buffer);
    expect([...new Set(buffer.subarray(0, 512))]).toEqual([1]);
    expect([...new Set(buffer.subarray(512))]).toEqual([0]);
  });

  it('opens no backing file for an empty name', async () => {
    const { graph } = setUp();
    const node = await add(graph, {
      driver: 'cow',
      'node-name': 'n',
      file: { driver: 'file', filename: 'top.cow' },
      backing: '',
    });
    expect(node.below).toBeUndefined();
  });

  it('uses nodes by name, which keep their own options', async () => {
    const { graph } = setUp();
    const file = await add(graph, { driver: 'file', 'node-name': 'f', filename: 'disk.img' });
    const node = await add(graph, { driver: 'raw', 'node-name': 'n', file: 'f', 'read-only': true });
    expect(node.file?.node).toBe(file);
    expect(file.flags.readOnly).toBe(false);
  });

  it('passes flags down to children that are defined inline', async () => {
    const { graph } = setUp();
    const node = await add(graph, {
      driver: 'raw',
      'node-name': 'n',
      'read-only': true,
      cache: { direct: true, 'no-flush': true },
      file: { driver: 'file', filename: 'disk.img', cache: { 'no-flush': false } },
    });
    expect(node.file?.node.flags).toMatchObject({ readOnly: true, direct: true, noFlush: false, unmap: true });
  });

  it('reads json: names, below explicit options', async () => {
    const { graph } = setUp();
    const node = await graph.open({
      filename: 'json:{"driver": "raw", "file": {"driver": "file", "filename": "disk.img"}, "read-only": true}',
      options: new BlockOptions([['read-only', false]]),
    });
    expect(node.driver.name).toBe('raw');
    expect(node.flags.readOnly).toBe(false);
  });

  it.each([
    [{ driver: 'nope' }, /Unknown driver 'nope'/],
    [{ driver: 'vdi', file: { driver: 'file', filename: 'disk.img' } }, /'vdi' is not built in/],
    [{}, /Must specify either driver or file/],
    [{ driver: 'raw' }, /must be specified for "file"/],
    [{ driver: 'raw', file: 'nope' }, /Cannot find device='nope' nor node-name='nope'/],
    [{ driver: 'raw', file: '' }, /Cannot find device='' nor node-name=''/],
    [{ driver: 'file' }, /requires a file name/],
    [{ driver: 'file', filename: 'absent' }, /'absent'/],
    [{ driver: 'file', filename: 'disk.img', 'node-name': '9' }, /Invalid node-name: '9'/],
    [{ driver: 'file', filename: 'disk.img', 'node-name': 'x'.repeat(32) }, /too long/],
    [{ driver: 'file', filename: 'disk.img', 'detect-zeroes': 'unmap' }, /detect-zeroes/],
    [{ driver: 'file', filename: 'disk.img', bogus: 1 }, /Block protocol 'file' doesn't support the option 'bogus'/],
    [{ driver: 'raw', file: { driver: 'file', filename: 'disk.img' }, x: { y: 1 } }, /Block format 'raw' .* 'x.y'/],
    [{ driver: 'raw', file: { driver: 'file', filename: 'disk.img' }, backing: 'n' }, /backing/],
  ])('refuses %j and leaves nothing behind', async (options, message) => {
    const { disk, graph } = setUp();
    await expect(add(graph, options)).rejects.toThrow(message);
    expect([disk.open, names(graph)]).toEqual([0, []]);
  });

  it('refuses a name that a device or a node has', async () => {
    const { graph } = setUp();
    await add(graph, { driver: 'file', 'node-name': 'n', filename: 'disk.img' });
    graph.addDevice({ name: 'd', root: undefined, drainBegin: async () => {}, drainEnd: () => {} });
    await expect(add(graph, { driver: 'file', 'node-name': 'n', filename: 'disk.img' })).rejects.toThrow(/Duplicate/);
    await expect(add(graph, { driver: 'file', 'node-name': 'd', filename: 'disk.img' })).rejects.toThrow(/device id/);
    expect(names(graph)).toEqual(['n']);
  });

  it('finds backing chains that run in a circle', async () => {
    const { disk, graph } = setUp();
    disk.addCow('a.cow', 512, 'b.cow');
    disk.addCow('b.cow', 512, 'a.cow');
    disk.addCow('self.cow', 512, 'self.cow');
    disk.addCow('json.cow', 512, 'json:{"file.filename": "json.cow"}');
    for (const filename of ['a.cow', 'self.cow', 'json.cow']) {
      await expect(graph.open({ filename })).rejects.toThrow(/circle/);
    }
    expect([disk.open, names(graph)]).toEqual([0, []]);
  });

  it('finds relative backing files beside the overlay', async () => {
    const { disk, graph } = setUp();
    disk.addCow('dir/over.cow', 512, 'under.img', 'raw');
    disk.files.set('dir/under.img', new Uint8Array(512).fill(9));
    expect((await graph.open({ filename: 'dir/over.cow' })).below?.filename).toBe('dir/under.img');
  });

  it('uses only drivers on the list, some for reading only', async () => {
    const { disk } = setUp();
    const graph = disk.graph({ readWrite: ['file'], readOnly: ['raw'] });
    const file = { driver: 'file', filename: 'disk.img' };
    await expect(add(graph, { driver: 'cow', 'node-name': 'n', file })).rejects.toThrow(/not whitelisted/);
    await expect(add(graph, { driver: 'raw', 'node-name': 'n', file })).rejects.toThrow(/read-only devices/);
    await add(graph, { driver: 'raw', 'node-name': 'n', file, 'read-only': true });
    expect(disk.open).toBe(2);
  });
});

describe('names of files', () => {
  it('shows json: names of files where options matter', async () => {
    const { graph } = setUp();
    const child = { driver: 'file', filename: 'disk.img' };
    const node = await add(graph, {
      driver: 'pair',
      'node-name': 'p',
      first: child,
      second: { driver: 'raw', file: child },
    });
    expect(node.filename).toBe(
      'json:{"driver": "pair", "first": {"driver": "file", "filename": "disk.img"}, ' +
        '"second": {"driver": "raw", "file": {"driver": "file", "filename": "disk.img"}}}',
    );
    const again = await graph.open({ filename: node.filename });
    expect(again.filename).toBe(node.filename);
  });
});

/** Random trees of options: some are good, some are not. */
const tree = fc.letrec<{ node: object; child: object | string }>((tie) => ({
  child: fc.oneof({ weight: 4, arbitrary: tie('node') }, { weight: 1, arbitrary: fc.constantFrom('f', 'nope', '') }),
  node: fc.oneof(
    { maxDepth: 4 },
    fc.record({ driver: fc.constant('file'), filename: fc.constantFrom('disk.img', 'base.img', 'top.cow', 'absent') }),
    fc.record({ driver: fc.constantFrom('raw', 'cow'), file: tie('child') }, { requiredKeys: ['file'] }),
    fc.record(
      { driver: fc.constantFrom('cow'), file: tie('child'), backing: fc.oneof(tie('child'), fc.constant('')) },
      { requiredKeys: ['driver', 'file'] },
    ),
    fc.record({ driver: fc.constant('pair'), first: tie('child'), second: tie('child') }),
    fc.record({
      driver: fc.constant('file'),
      filename: fc.constant('disk.img'),
      'node-name': fc.constantFrom('a', 'b', 'f', '1'),
    }),
    fc.record({ driver: fc.constant('file'), filename: fc.constant('disk.img'), bogus: fc.constant(1) }),
  ),
}));

describe('property: a failure leaves no trace', () => {
  it('leaves no trace of a failure, whatever the options are and wherever it happens', async () => {
    await fc.assert(
      fc.asyncProperty(tree.node, fc.nat(12), async (options, failAt) => {
        const { disk, graph } = setUp();
        await add(graph, { driver: 'file', 'node-name': 'f', filename: 'disk.img' });
        let steps = 0;
        disk.onStep = (step) => {
          if (++steps === failAt) throw new Error(step);
        };
        disk.onRequest = () => {
          if (++steps === failAt) throw Object.assign(new Error('injected'), { code: 'EIO' });
        };
        const before = { open: disk.open, names: names(graph) };
        let node: Awaited<ReturnType<typeof add>> | undefined;
        try {
          node = await add(graph, { ...options, 'node-name': 'root' });
        } catch {
          expect({ open: disk.open, names: names(graph) }).toEqual(before);
          return;
        }
        node.monitorOwned = false;
        await graph.release(node);
        expect({ open: disk.open, names: names(graph) }).toEqual(before);
        expect(graph.node('f')?.parents.size).toBe(0);
      }),
      { numRuns: 1500 },
    );
  });
});
