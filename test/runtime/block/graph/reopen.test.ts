import { describe, expect, it } from 'vitest';
import { reopen } from '../../../../runtime/block/graph/reopen.js';
import { BlockOptions } from '../../../../runtime/block/options.js';
import { scene } from './scene.js';

describe('reopening', () => {
  it('makes the file read-only after the format, and writable before it', async () => {
    const { disk, graph, addImage } = scene();
    const node = await addImage('n');
    await reopen(graph, node, true);
    expect([node.flags.readOnly, node.file?.node.flags.readOnly]).toEqual([true, true]);
    expect(disk.reopenings.splice(0)).toEqual(['prepare n ro', 'prepare n.cow ro', 'commit n ro', 'commit n.cow ro']);
    await expect(node.requests.write(0, new Uint8Array(1))).rejects.toMatchObject({ code: 'EPERM' });
    await reopen(graph, node, false);
    expect([node.flags.readOnly, node.file?.node.flags.readOnly]).toEqual([false, false]);
    expect(disk.reopenings).toEqual(['prepare n.cow rw', 'prepare n rw', 'commit n.cow rw', 'commit n rw']);
    await node.requests.write(0, new Uint8Array(1));
  });

  it('does nothing where nothing changes', async () => {
    const { disk, graph, addImage } = scene();
    await reopen(graph, await addImage('n'), false);
    expect(disk.reopenings).toEqual([]);
  });

  it('flushes before it becomes read-only', async () => {
    const { disk, graph, addImage } = scene();
    const node = await addImage('n');
    await node.requests.write(0, new Uint8Array(512));
    const log: string[] = [];
    disk.onRequest = (kind) => void log.push(kind);
    disk.onStep = (step) => void log.push(step);
    await reopen(graph, node, true);
    expect(log).toEqual(['flush', 'reopen n ro', 'reopen n.cow ro']);
  });

  it('switches all or none', async () => {
    const { disk, graph, addImage } = scene();
    const node = await addImage('n');
    disk.onStep = (step) => {
      if (step === 'reopen n.cow ro') throw Object.assign(new Error('no'), { code: 'EIO' });
    };
    await expect(reopen(graph, node, true)).rejects.toThrow('no');
    expect(disk.reopenings).toEqual(['prepare n ro', 'prepare n.cow ro', 'abort n ro']);
    expect([node.flags.readOnly, node.file?.node.flags.readOnly]).toEqual([false, false]);
    await node.requests.write(0, new Uint8Array(1));
  });

  it('stops where it cannot flush', async () => {
    const { disk, graph, addImage } = scene();
    const node = await addImage('n');
    await node.requests.write(0, new Uint8Array(512));
    disk.onRequest = (kind) => {
      if (kind === 'flush') throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    };
    await expect(reopen(graph, node, true)).rejects.toThrow('full');
    expect([node.flags.readOnly, disk.reopenings]).toEqual([false, []]);
  });

  it('leaves alone children by reference, children with explicit flags, and backing files', async () => {
    const { disk, graph, add, addImage } = scene();
    disk.addCow('top.cow', 512);
    const file = await add({ driver: 'file', 'node-name': 'f', filename: 'top.cow' });
    await addImage('base');
    const referring = await add({ driver: 'cow', 'node-name': 'n', file: 'f', backing: 'base' });
    await reopen(graph, referring, true);
    expect([referring.flags.readOnly, file.flags.readOnly, referring.below?.flags.readOnly]).toEqual([
      true,
      false,
      false,
    ]);
    const explicit = await add({
      driver: 'raw',
      'node-name': 'r',
      file: { driver: 'raw', 'read-only': false, file: { driver: 'file', filename: 'top.cow' } },
    });
    await reopen(graph, explicit, true);
    expect([explicit.flags.readOnly, explicit.file?.node.flags.readOnly]).toEqual([true, false]);
  });

  it('leaves alone nodes that another owner has opened, though no monitor owns them', async () => {
    const { disk, graph, add } = scene();
    disk.files.set('disk.img', new Uint8Array(512));
    const first = await add({
      driver: 'raw',
      'node-name': 'first',
      file: { driver: 'file', 'node-name': 'f', filename: 'disk.img' },
    });
    const second = await add({ driver: 'raw', 'node-name': 'second', file: 'f' });
    await reopen(graph, second, true);
    expect([second.flags.readOnly, first.file?.node.flags.readOnly]).toEqual([true, false]);
  });

  it('makes writable what was opened read-only, with its file, and nothing of a kind that is never written', async () => {
    const { disk, graph, add } = scene();
    disk.addCow('base.cow', 512);
    disk.addCow('top.cow', 512, 'base.cow', 'cow');
    const options = { driver: 'cow', file: { driver: 'file', filename: 'top.cow' } };
    const writable = await add({ ...options, 'node-name': 'w' });
    if (!writable.below) throw new Error('it has one');
    await reopen(graph, writable.below, false);
    expect([writable.below.flags.readOnly, writable.below.file?.node.flags.readOnly]).toEqual([false, false]);
    await reopen(graph, writable.below, true);
    expect([writable.below.flags.readOnly, writable.below.file?.node.flags.readOnly]).toEqual([true, true]);
    const explicit = await graph.open({ filename: 'top.cow', options: new BlockOptions([['read-only', 'on']]) });
    await reopen(graph, explicit, false);
    expect([explicit.flags.readOnly, explicit.file?.node.flags.readOnly]).toEqual([false, false]);
    await reopen(graph, explicit, true);
    Object.assign(explicit.open, { forcesReadOnly: true });
    await expect(reopen(graph, explicit, false)).rejects.toMatchObject({ code: 'EACCES' });
    expect([explicit.flags.readOnly, explicit.file?.node.flags.readOnly]).toEqual([true, true]);
  });

  it('makes nothing writable of which the operator allows reading only', async () => {
    const { graph, addImage } = scene();
    const node = await addImage('n');
    await reopen(graph, node, true);
    const whitelist = { readWrite: ['file'], readOnly: ['cow'] };
    await expect(reopen({ usage: graph.usage, whitelist }, node, false)).rejects.toThrow('only be used for read-only');
    expect([node.flags.readOnly, node.file?.node.flags.readOnly]).toEqual([true, true]);
  });

  it('refuses to reopen where a driver cannot', async () => {
    const { graph, add } = scene();
    const drive = await add({ driver: 'drive', 'node-name': 'd' });
    await expect(reopen(graph, drive, true)).rejects.toThrow(
      "Driver 'drive' of node 'd' does not support reopening files",
    );
  });
});
