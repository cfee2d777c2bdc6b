import { createCipheriv } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { UserObjects } from '../../runtime/block/objects/user-objects.js';
import { type AnySchema, isQmpFailure } from '../../runtime/index.js';
import { type SpawnedProgram, spawnQemu, spawnStorageDaemon } from '../../runtime/qmp/spawn.js';
import { execute, type Request } from '../runtime/block/objects/handlers.js';
import { describeWithPrograms } from './programs.js';
import { has } from './release.js';

type Answer = { readonly returned: unknown } | { readonly class: string; readonly description: string };

async function answer(result: Promise<unknown>): Promise<Answer> {
  try {
    return { returned: await result };
  } catch (error) {
    if (!isQmpFailure(error)) throw error;
    return { class: error.class, description: error.message };
  }
}

function sorted(list: unknown): unknown {
  return Array.isArray(list) ? list.map((item) => JSON.stringify(item)).sort() : list;
}

function add(type: string, id: string, properties: object): Request {
  return { execute: 'object-add', arguments: { 'qom-type': type, id, ...properties } };
}

let folder: string;
let objects: UserObjects;

/** A list of objects without the monitor of the program, which is one since 11.1. */
function withoutMonitor(returned: unknown): unknown {
  return Array.isArray(returned) ? returned.filter(({ type }) => type !== 'child<monitor-qmp>') : returned;
}

/** Expects both to return the same, or to fail alike: in the same class, our description beginning as theirs. */
async function expectSame(program: SpawnedProgram<AnySchema>, request: Request): Promise<void> {
  const theirs = await answer(program.client.execute(request.execute, request.arguments as never));
  const ours = await answer(execute(objects, request));
  const title = JSON.stringify(request);
  if ('returned' in theirs) {
    expect(ours, title).toEqual({ returned: expect.anything() });
    expect(sorted((ours as { returned: unknown }).returned), title).toEqual(sorted(withoutMonitor(theirs.returned)));
  } else {
    expect(ours, title).toEqual({ class: theirs.class, description: expect.any(String) });
    expect((ours as { description: string }).description.slice(0, theirs.description.length), title).toBe(
      theirs.description,
    );
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'objects-'));
  objects = new UserObjects(async () => {});
});
afterAll(() => rm(folder, { recursive: true }));

describeWithPrograms('objects beside those of qemu-storage-daemon', ['qemu-storage-daemon'], () => {
  let daemon: SpawnedProgram<AnySchema>;
  beforeAll(async () => {
    daemon = await spawnStorageDaemon();
  });
  afterAll(() => daemon.close());

  it('makes, refuses and finds secrets as QEMU does', async () => {
    objects.clear();
    const bytes = join(folder, 'bytes');
    await writeFile(bytes, Uint8Array.of(255, 0));
    const key = Buffer.alloc(32, 7);
    const iv = Buffer.alloc(16, 9);
    const cipher = createCipheriv('aes-256-cbc', key, iv);
    const data = Buffer.concat([cipher.update('hello'), cipher.final()]).toString('base64');
    const encrypted = { keyid: 'key', iv: iv.toString('base64') };
    const secret = (id: string, properties: object): Request => add('secret', id, properties);
    const requests: Request[] = [
      secret('a', {}),
      secret('a', { data: 'x', file: bytes }),
      secret('a', { data: '!!', format: 'base64' }),
      secret('a', { data: 'YW Jj', format: 'base64' }),
      secret('a', { data: 'YWJj\n', format: 'base64' }),
      secret('a', { data: 'x', file: 'y' }),
      secret('', { data: 'x' }),
      secret('1', { data: 'x' }),
      secret('a b', { data: 'x' }),
      secret('type', { data: 'x' }),
      secret('bytes', { file: bytes }),
      secret('key', { data: key.toString('base64'), format: 'base64' }),
      secret('s', { data: 'x', keyid: 'nope' }),
      secret('s', { data: 'x', keyid: 'bytes' }),
      secret('s', { data: 'x', keyid: 'key' }),
      secret('s', { data: 'x', keyid: 'key', iv: 'AAAA' }),
      secret('s', { data: 'x', keyid: 'key', iv: '??' }),
      secret('s', { data: 'x', ...encrypted }),
      secret('s', { data: '?', format: 'base64', ...encrypted }),
      secret('s', { data, format: 'base64', ...encrypted }),
      secret('unused-iv', { data: 'x', iv: '??' }),
      { execute: 'qom-list', arguments: { path: '/objects' } },
      ...['/nope', 'nope', '/objects/nope', '/objects/s/data'].map(
        (path): Request => ({ execute: 'qom-list', arguments: { path } }),
      ),
      ...['type', 'format', 'keyid', 'iv', 'file', 'nope'].map(
        (property): Request => ({ execute: 'qom-get', arguments: { path: 's', property } }),
      ),
      ...['s', 'type', 'nope'].map(
        (property): Request => ({ execute: 'qom-get', arguments: { path: '/objects/', property } }),
      ),
      { execute: 'qom-get', arguments: { path: '/', property: 'objects' } },
      { execute: 'qom-list', arguments: { path: '' } },
      { execute: 'object-del', arguments: { id: 'key' } },
      { execute: 'object-del', arguments: { id: 'key' } },
      { execute: 'object-del', arguments: { id: 'a b' } },
      { execute: 'qom-list', arguments: { path: 'objects' } },
    ];
    for (const request of requests) await expectSame(daemon, request);
    expect([...objects.all.keys()].sort()).toEqual(['a', 'bytes', 's', 'unused-iv']);
    expect(String(Buffer.from(await objects.secretData('s')))).toBe('hello');
  });
});

describeWithPrograms('memory backends beside those of qemu-system-x86_64', ['qemu-system-x86_64'], () => {
  let qemu: SpawnedProgram<AnySchema>;
  beforeAll(async () => {
    qemu = await spawnQemu();
  });
  afterAll(() => qemu.close());

  it('makes, refuses and describes memory backends as QEMU does', async () => {
    objects.clear();
    const file = join(folder, 'memory');
    await writeFile(file, Buffer.alloc(8192));
    const properties = ['type', 'size', 'share', 'dump', 'merge', 'prealloc', 'policy', 'host-nodes'];
    const get =
      (path: string) =>
      (property: string): Request => ({
        execute: 'qom-get',
        arguments: { path, property },
      });
    const requests: Request[] = [
      add('memory-backend-ram', 'ram', { size: 0 }),
      add('memory-backend-ram', 'ram', { size: 4096, policy: 'bind' }),
      add('memory-backend-ram', 'ram', { size: 4096, policy: 'bind', 'host-nodes': [200] }),
      add('memory-backend-ram', 'ram', { size: 4096, dump: false, share: true }),
      add('memory-backend-file', 'file', { size: 0, 'mem-path': file }),
      add('memory-backend-file', 'file', { size: 4096, 'mem-path': file, readonly: true }),
      ...properties.flatMap((property) => [get('ram')(property), get('/objects/file')(property)]),
      ...['mem-path', 'readonly', 'align', 'discard-data', 'nope'].map(get('file')),
      { execute: 'qom-list', arguments: { path: '/objects' } },
    ];
    for (const request of requests) await expectSame(qemu, request);
  });

  it('memory backends accept the same files as in QEMU', async () => {
    objects.clear();
    const template = join(folder, 'template');
    await writeFile(template, Buffer.alloc(8192));
    const requests: { [name: string]: object } = {
      exact: { size: 8192, 'mem-path': template },
      shorter: { size: 4096, 'mem-path': template },
      ...(has('memory files are pages') && { odd: { size: 4097, 'mem-path': template } }),
      longer: { size: 8193, 'mem-path': template },
      made: { size: 8192, 'mem-path': join(folder, 'made') },
      nowhere: { size: 8192, 'mem-path': join(folder, 'nowhere', 'made') },
      folder: { size: 8192, 'mem-path': folder },
      'read-only-folder': { size: 8192, 'mem-path': folder, readonly: true },
      aligned: { size: 8192, 'mem-path': template, align: 8192 },
      misaligned: { size: 8192, 'mem-path': template, align: 12_288 },
      crooked: { size: 8192, 'mem-path': template, align: 2048 },
    };
    for (const [id, properties] of Object.entries(requests)) {
      const request = add('memory-backend-file', id, properties);
      // One after the other, as both may make the file.
      const theirs = await answer(qemu.client.execute(request.execute, request.arguments as never));
      const ours = await answer(execute(objects, request));
      expect('returned' in ours, id).toBe('returned' in theirs);
    }
    expect([...objects.all.keys()]).toEqual(['exact', 'shorter', 'made', 'folder', 'aligned']);
  });
});
