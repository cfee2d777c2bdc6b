import { describe, expect, it } from 'vitest';
import { operations } from '../../../../runtime/block/graph/blockers.js';
import { dropIntermediate } from '../../../../runtime/block/graph/drop-intermediate.js';
import type { BlockNode } from '../../../../runtime/block/graph/node.js';
import { chainOf, owner, scene } from './scene.js';

describe('finding nodes', () => {
  it('finds a node by device or by node-name', async () => {
    const { graph, addImage } = scene();
    const node = await addImage('n');
    const device = { ...owner('d'), root: await graph.attachRoot(node, owner('d')) };
    graph.addDevice(device);
    expect(graph.deviceOrNode('d', undefined)).toBe(node);
    expect(graph.deviceOrNode(undefined, 'n')).toBe(node);
    expect(graph.deviceOrNode('nope', 'n')).toBe(node);
    expect(graph.reference('d')).toBe(node);
    expect(graph.reference('n')).toBe(node);
    expect(graph.namedNode('n')).toBe(node);
    expect(() => graph.namedNode('d')).toThrow("Cannot find node 'd'");
  });

  it.each([
    ['x', 'y', "Cannot find device='x' nor node-name='y'"],
    [undefined, 'y', "Cannot find device='' nor node-name='y'"],
    ['x', undefined, "Cannot find device='x' nor node-name=''"],
    [undefined, undefined, "Cannot find device='' nor node-name=''"],
    // A device is not looked for among the nodes.
    ['n', undefined, "Cannot find device='n' nor node-name=''"],
  ])('reports what was not found: %s, %s', async (device, node, message) => {
    const { graph, addImage } = scene();
    await addImage('n');
    expect(() => graph.deviceOrNode(device, node)).toThrow(expect.objectContaining({ message, class: 'GenericError' }));
  });

  it('does not look further than an empty device', async () => {
    const { graph, addImage } = scene();
    await addImage('n');
    graph.addDevice(owner('d'));
    expect(() => graph.deviceOrNode('d', 'n')).toThrow("Device 'd' has no medium");
    expect(() => graph.rootNode('d')).toThrow("Device 'd' has no medium");
  });

  it('treats as a root only a node with no parents but backends', async () => {
    const { disk, graph, add, addImage } = scene();
    const base = await addImage('base');
    expect(graph.rootNode('base')).toBe(base);
    await graph.attachRoot(base, owner('d'));
    expect(graph.rootNode('base')).toBe(base);
    const top = await addImage('top', 'base');
    expect(() => graph.rootNode('base')).toThrow(/root/);
    expect(graph.rootNode('top')).toBe(top);
    expect(() => graph.rootNode('nope')).toThrow("Cannot find device='nope' nor node-name='nope'");
    await add({ driver: 'raw', 'node-name': 'cd', file: { driver: 'drive' } });
    expect(graph.rootNode('cd').inserted).toBe(true);
    disk.mediumIn = false;
    expect(graph.node('cd')?.inserted).toBe(false);
    expect(() => graph.rootNode('cd')).toThrow("Device 'cd' has no medium");
  });

  it('asks the driver whether a medium is in, again when the graph has changed', async () => {
    const { disk, graph, add, addImage } = scene();
    const image = await addImage('image');
    const drive = await add({ driver: 'drive', 'node-name': 'drive' });
    const top = await addImage('top', 'image');
    disk.mediumIn = false;
    expect(top.inserted).toBe(true);
    await graph.relink(top, drive);
    expect(top.inserted).toBe(false);
    await expect(top.requests.read(0, new Uint8Array(1))).rejects.toMatchObject({ code: 'ENOMEDIUM' });
    disk.mediumIn = true;
    expect(top.inserted).toBe(true);
    disk.mediumIn = false;
    await graph.replace(drive, image);
    expect(top.inserted).toBe(true);
  });

  it('counts the changes of its own edges, not those of another graph', async () => {
    const [one, other] = [scene(), scene()];
    const before = one.graph.edgeChanges.count;
    await other.addImage('image');
    expect(one.graph.edgeChanges.count).toBe(before);
    await one.addImage('image');
    expect(one.graph.edgeChanges.count).toBeGreaterThan(before);
  });

  it('finds no node that is still being opened', async () => {
    const { disk, graph, addImage, add } = scene();
    const base = await addImage('base');
    disk.addCow('top.cow', 512, 'absent.img', 'raw');
    let meanwhile: unknown;
    disk.onStep = (step) => {
      if (step !== 'open absent.img') return;
      meanwhile = [
        graph.node('top'),
        [...graph.nodes].map(({ name }) => name).includes('top'),
        graph.names.kind('top'),
      ];
      expect(() => graph.reference('top')).toThrow('Cannot find');
    };
    await expect(
      add({ driver: 'cow', 'node-name': 'top', file: { driver: 'file', filename: 'top.cow' } }),
    ).rejects.toThrow(/absent/);
    expect(meanwhile).toEqual([undefined, false, 'node']);
    expect([...graph.nodes]).toHaveLength(2);
    expect(base.usable).toBe(true);
  });
});

describe('backing files', () => {
  it('links, moves and unlinks backing files, and keeps them while something holds them', async () => {
    const { disk, graph, addImage } = scene();
    const [a, b, top] = [await addImage('a'), await addImage('b'), await addImage('top')];
    graph.link(top, a);
    expect([chainOf(top), top.backingOverridden]).toEqual([['top', 'a'], true]);
    await graph.relink(top, b);
    expect([chainOf(top), a.parents.size, a.usable]).toEqual([['top', 'b'], 0, true]);
    b.monitorOwned = false;
    await graph.release(b);
    expect(b.usable).toBe(true);
    await graph.relink(top, undefined);
    expect([chainOf(top), top.backingOverridden]).toEqual([['top'], false]);
    expect([b.usable, graph.node('b'), disk.open]).toEqual([false, undefined, 4]);
  });

  it('refuses a backing file that is above its overlay', async () => {
    const { graph, addImage } = scene();
    const a = await addImage('a');
    const b = await addImage('b', 'a');
    const c = await addImage('c', 'b');
    for (const overlay of [a, b, c]) expect(() => graph.link(overlay, c)).toThrow('which it contains');
    expect([chainOf(c), a.blockers.reason('resize')]).toEqual([['c', 'b', 'a'], expect.any(String)]);
  });

  it('blocks all operations on a backing file but commits into it, backups and streams', async () => {
    const { graph, addImage } = scene();
    const base = await addImage('base');
    const top = await addImage('top');
    await graph.attachRoot(top, owner('drive0'));
    graph.link(top, base);
    const allowed = operations.filter((operation) => base.blockers.reason(operation) === undefined);
    expect(allowed).toEqual(['backup-source', 'backup-target', 'commit-target', 'stream']);
    expect(() => base.checkAllowed('resize')).toThrow("Node 'base' is busy: node is used as backing hd of 'drive0'");
    expect(operations.filter((operation) => top.blockers.reason(operation) !== undefined)).toEqual([]);
    await graph.unlink(top);
    for (const operation of operations) base.checkAllowed(operation);
  });

  it('keeps a backing file blocked while one of several overlays is left', async () => {
    const { graph, addImage } = scene();
    const base = await addImage('base');
    const [one, two] = [await addImage('one', 'base'), await addImage('two', 'base')];
    await graph.unlink(one);
    expect(base.blockers.reason('resize')).toContain('two');
    two.monitorOwned = false;
    await graph.release(two);
    expect(base.blockers.reason('resize')).toBeUndefined();
  });
});

describe('replacing', () => {
  it('moves all parents, with what they block', async () => {
    const { graph, add, addImage } = scene();
    const [from, to] = [await addImage('from'), await addImage('to')];
    const overlay = await addImage('overlay', 'from');
    const pair = await add({ driver: 'pair', 'node-name': 'pair', first: 'from', second: 'from' });
    const root = await graph.attachRoot(from, owner('d'));
    await graph.replace(from, to);
    expect([root.node, overlay.below]).toEqual([to, to]);
    expect([...pair.children.values()].map(({ node }) => node.name)).toEqual(['to', 'to']);
    expect([from.parents.size, to.parents.size]).toEqual([0, 4]);
    expect([from.blockers.reason('resize'), to.blockers.reason('resize')]).toEqual([
      undefined,
      "node is used as backing hd of 'overlay'",
    ]);
    expect(pair.filename).toContain('to.cow');
    expect(pair.filename).not.toContain('from.cow');
  });

  it('closes the node that was replaced, unless something holds it', async () => {
    const { graph, addImage } = scene();
    const [held, loose, to] = [await addImage('held'), await addImage('loose'), await addImage('to')];
    for (const from of [held, loose]) await graph.attachRoot(from, owner());
    loose.monitorOwned = false;
    await graph.replace(held, to);
    await graph.replace(loose, to);
    await graph.replace(to, to);
    expect([held.usable, loose.usable, to.usable, to.parents.size]).toEqual([true, false, true, 2]);
  });

  it('leaves what is below the new node where it is', async () => {
    const { graph, addImage } = scene();
    const base = await addImage('base');
    const middle = await addImage('middle', 'base');
    const top = await addImage('top', 'middle');
    const other = await addImage('other', 'base');
    const root = await graph.attachRoot(base, owner());
    await graph.replace(base, top);
    expect([chainOf(top), root.node, middle.below]).toEqual([['top', 'middle', 'base'], top, base]);
    expect(chainOf(other)).toEqual(['other', 'top', 'middle', 'base']);
  });

  it('updates file names all the way up', async () => {
    const { graph, add, addImage } = scene();
    const [from, to] = [await addImage('from'), await addImage('to')];
    const inner = await add({ driver: 'raw', 'node-name': 'inner', file: 'from' });
    const outer = await add({ driver: 'pair', 'node-name': 'outer', first: 'inner', second: 'from' });
    await graph.replace(from, to);
    expect(inner.filename).toBe('to.cow');
    expect(outer.filename).toBe(
      'json:{"driver": "pair", "first": {"driver": "raw", "file": {"driver": "cow", "file": {"driver": "file", ' +
        '"filename": "to.cow"}}}, "second": {"driver": "cow", "file": {"driver": "file", "filename": "to.cow"}}}',
    );
  });
});

describe('appending', () => {
  it('puts an overlay between a node and all that was above it', async () => {
    const { graph, addImage } = scene();
    const [top, overlay] = [await addImage('top'), await addImage('overlay')];
    const above = await addImage('above', 'top');
    const root = await graph.attachRoot(top, owner('d'));
    top.monitorOwned = false;
    await graph.append(overlay, top);
    expect([root.node, chainOf(above)]).toEqual([overlay, ['above', 'overlay', 'top']]);
    expect([top.usable, top.parents.size, overlay.parents.size]).toEqual([true, 1, 2]);
    expect(top.blockers.reason('external-snapshot')).toContain("'overlay'");
    expect(overlay.blockers.reason('external-snapshot')).toContain("'above'");
  });

  it('closes the backing file that the overlay came with', async () => {
    const { graph, addImage } = scene();
    const [top, old] = [await addImage('top'), await addImage('old')];
    const overlay = await addImage('overlay', 'old');
    old.monitorOwned = false;
    await graph.append(overlay, top);
    expect([chainOf(overlay), old.usable]).toEqual([['overlay', 'top'], false]);
  });
});

describe('dropping what is between', () => {
  async function chain() {
    const all = scene();
    const nodes: BlockNode[] = [];
    for (const name of ['base', 'one', 'two', 'overlay', 'active']) {
      const below = nodes.at(-1);
      nodes.push(await all.addImage(name, below?.name));
    }
    for (const node of nodes.slice(0, 4)) node.monitorOwned = false;
    const [base, one, two, overlay, active] = nodes;
    if (!base || !one || !two || !overlay || !active) throw new Error('all are there');
    return { ...all, base, one, two, overlay, active };
  }

  it('puts the base under the overlay, in its header, too, and closes the rest', async () => {
    const { disk, graph, base, one, two, overlay, active } = await chain();
    await dropIntermediate(graph, { overlay, top: two, base });
    expect(chainOf(active)).toEqual(['active', 'overlay', 'base']);
    expect([one.usable, two.usable, base.usable, disk.open]).toEqual([false, false, true, 6]);
    expect([overlay.instance?.backingFile, overlay.filename]).toEqual([
      { name: 'base.cow', format: 'cow' },
      'overlay.cow',
    ]);
    expect(Buffer.from(disk.files.get('overlay.cow') ?? []).toString('latin1', 0, 18)).toBe('COW base.cow\ncow\n\0');
    expect(base.blockers.reason('resize')).toContain("'overlay'");
  });

  it('writes another name into the header, if one is given', async () => {
    const { disk, graph, one, two, overlay, active } = await chain();
    one.holds++;
    await dropIntermediate(graph, { overlay, top: two, base: one }, { name: './one' });
    expect([chainOf(active), two.usable]).toEqual([['active', 'overlay', 'one', 'base'], false]);
    expect(Buffer.from(disk.files.get('overlay.cow') ?? []).toString('latin1', 0, 9)).toBe('COW ./one');
    one.holds--;
  });

  it('puts the base under all that was above what is dropped, but not under a job', async () => {
    const { graph, addImage, base, one, two, overlay } = await chain();
    const other = await addImage('other', 'two');
    const root = await graph.attachRoot(two, owner('drive0'));
    const job = await graph.attachRoot(two, { ...owner(''), roots: new Set() });
    await dropIntermediate(graph, { overlay, top: two, base });
    expect([chainOf(other), root.node, job.node]).toEqual([['other', 'base'], base, two]);
    expect([one.usable, two.usable]).toEqual([true, true]);
    await graph.detachRoot(job);
    expect([one.usable, two.usable]).toEqual([false, false]);
  });

  it('changes nothing when they are no chain, or the header cannot be written', async () => {
    const { disk, graph, base, one, two, overlay, active } = await chain();
    const before = chainOf(active);
    for (const [a, b, c] of [
      [overlay, one, base],
      [overlay, two, two],
      [overlay, two, active],
      [base, two, one],
    ] as const) {
      await expect(dropIntermediate(graph, { overlay: a, top: b, base: c })).rejects.toMatchObject({ code: 'EINVAL' });
    }
    disk.onStep = (step) => {
      if (step === 'change backing file') throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    };
    await expect(dropIntermediate(graph, { overlay, top: two, base })).rejects.toThrow('full');
    delete overlay.open.changeBackingFile;
    await expect(dropIntermediate(graph, { overlay, top: two, base })).rejects.toMatchObject({ code: 'ENOTSUP' });
    expect(chainOf(active)).toEqual(before);
  });
});

describe('devices', () => {
  it('gives devices names that no node has, and releases them', async () => {
    const { graph, addImage } = scene();
    await addImage('n');
    const device = owner('d');
    graph.addDevice(device);
    expect(graph.names.kind('d')).toBe('device');
    expect(() => graph.addDevice(owner('d'))).toThrow('already exists');
    expect(() => graph.addDevice(owner('n'))).toThrow('conflicts with an existing node name');
    graph.removeDevice(owner('d'));
    expect(graph.names.kind('d')).toBe('device');
    graph.removeDevice(device);
    await addImage('d');
  });

  it('names the device in events, where there is one', async () => {
    const { graph, addImage } = scene();
    const node = await addImage('n');
    expect([node.deviceName, node.deviceOrNodeName]).toEqual(['', 'n']);
    await graph.attachRoot(node, owner());
    await graph.attachRoot(node, owner('d'));
    expect([node.deviceName, node.deviceOrNodeName]).toEqual(['d', 'd']);
  });
});

describe('closing', () => {
  it('closes every node that is not the medium of a backend', async () => {
    const { disk, graph, addImage } = scene();
    await addImage('base');
    const kept = await addImage('kept', 'base');
    const held = await addImage('held', 'base');
    held.holds = 2;
    const root = await graph.attachRoot(kept, owner());
    await graph.close();
    expect([...graph.nodes].map(({ name }) => name).sort()).toEqual([
      expect.any(String),
      expect.any(String),
      'base',
      'kept',
    ]);
    await graph.detachRoot(root);
    expect([[...graph.nodes], disk.open]).toEqual([[], 0]);
  });

  it('waits for what is in flight, and flushes', async () => {
    const { disk, graph, add } = scene();
    disk.files.set('disk.img', new Uint8Array(512));
    const node = await add({ driver: 'file', 'node-name': 'n', filename: 'disk.img' });
    const log: string[] = [];
    disk.onRequest = async (kind) => {
      await new Promise((resolve) => setImmediate(resolve));
      log.push(kind);
    };
    const write = node.requests.write(0, new Uint8Array(1));
    node.monitorOwned = false;
    await graph.release(node);
    expect([log, disk.open]).toEqual([['write', 'flush'], 0]);
    await write;
  });

  it('goes on closing after a failure, and warns the operator', async () => {
    const { disk, graph, add } = scene();
    disk.files.set('disk.img', new Uint8Array(512));
    const node = await add({ driver: 'raw', 'node-name': 'n', file: { driver: 'file', filename: 'disk.img' } });
    await node.requests.write(0, new Uint8Array(1));
    disk.onRequest = () => {
      throw Object.assign(new Error('gone'), { code: 'EIO' });
    };
    await graph.close();
    expect([disk.open, disk.warnings]).toEqual([0, expect.arrayContaining([expect.stringContaining("'n' failed")])]);
  });
});
