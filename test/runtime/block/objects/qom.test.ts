import { beforeEach, describe, expect, it } from 'vitest';
import { UserObjects } from '../../../../runtime/block/objects/user-objects.js';
import { execute } from './handlers.js';

let objects: UserObjects;

beforeEach(async () => {
  objects = new UserObjects(async () => {});
  await objects.add({ 'qom-type': 'secret', id: 'key', data: 'hunter2' });
  await objects.add({ 'qom-type': 'memory-backend-ram', id: 'mem0', size: 1 << 20 });
});

function add(options: { readonly [name: string]: unknown }): Promise<unknown> {
  return execute(objects, { execute: 'object-add', arguments: options });
}

function remove(id: string): Promise<unknown> {
  return execute(objects, { execute: 'object-del', arguments: { id } });
}

function list(path: string): Promise<unknown> {
  return execute(objects, { execute: 'qom-list', arguments: { path } });
}

function get(path: string, property: string): Promise<unknown> {
  return execute(objects, { execute: 'qom-get', arguments: { path, property } });
}

describe('object-add and object-del', () => {
  it('make an object and remove it', async () => {
    expect(await add({ 'qom-type': 'memory-backend-ram', id: 'mem1', size: 4096 })).toEqual({});
    expect(await get('/objects/mem1', 'size')).toBe(4096);
    expect(await remove('mem1')).toEqual({});
    await expect(remove('mem1')).rejects.toMatchObject({
      class: 'GenericError',
      message: "object 'mem1' not found",
    });
  });

  it('make one main loop, which stays', async () => {
    await add({ 'qom-type': 'main-loop', id: 'main' });
    await expect(add({ 'qom-type': 'main-loop', id: 'other' })).rejects.toThrow('only one main-loop instance allowed');
    await expect(remove('main')).rejects.toThrow("Deleting main loop 'main' is not supported");
    objects.clear();
    expect(objects.all.size).toBe(0);
  });

  it('want well-formed ids', async () => {
    for (const id of ['', '1a', 'bad id', '-x', 'ä', 'a/b']) {
      await expect(add({ 'qom-type': 'secret', id, data: 'x' }), id).rejects.toThrow(
        "Parameter 'id' expects an identifier",
      );
    }
    await add({ 'qom-type': 'secret', id: 'A.b-c_0', data: 'x' });
  });

  it('give an id to one object only, and say so before they look at the rest', async () => {
    await expect(add({ 'qom-type': 'secret', id: 'mem0' })).rejects.toThrow(
      "attempt to add duplicate property 'mem0' to object (type 'container')",
    );
    await expect(add({ 'qom-type': 'secret', id: 'type', data: 'x' })).rejects.toThrow('duplicate');
  });

  it('give an id to one of two that come at once', async () => {
    const both = await Promise.allSettled(
      ['x', 'y'].map((data) => objects.add({ 'qom-type': 'secret', id: 'twice', data })),
    );
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(String(Buffer.from(await objects.secretData('twice')))).toBe('x');
  });

  it('leave an id free when the object could not be made', async () => {
    await expect(add({ 'qom-type': 'secret', id: 's' })).rejects.toThrow();
    await add({ 'qom-type': 'secret', id: 's', data: 'x' });
  });

  it('want known types and properties', async () => {
    await expect(add({ 'qom-type': 'nope', id: 'io0' })).rejects.toThrow();
    await expect(add({ 'qom-type': 'iothread', id: 'io0', 'poll-max-ns': -1 })).rejects.toThrow(/must be in range/);
    await expect(add({ 'qom-type': 'secret', id: 's', data: 'x', props: {} })).rejects.toThrow();
    await expect(add({ id: 's' })).rejects.toThrow();
  });
});

describe('qom-list', () => {
  it('shows the objects as children', async () => {
    expect(await list('/')).toEqual([
      { name: 'type', type: 'string' },
      { name: 'objects', type: 'child<container>' },
      { name: 'machine', type: 'child<container>' },
    ]);
    expect(await list('/objects')).toEqual([
      { name: 'type', type: 'string' },
      { name: 'key', type: 'child<secret>' },
      { name: 'mem0', type: 'child<memory-backend-ram>' },
    ]);
  });

  it('shows the properties of an object', async () => {
    expect(await list('/objects/mem0')).toEqual([
      { name: 'type', type: 'string' },
      { name: 'share', type: 'bool' },
      { name: 'size', type: 'int' },
      { name: 'dump', type: 'bool' },
      { name: 'policy', type: 'HostMemPolicy' },
      { name: 'prealloc', type: 'bool' },
      { name: 'host-nodes', type: 'int' },
      { name: 'merge', type: 'bool' },
    ]);
  });

  it('finds by the end of a path if only one ends so', async () => {
    expect(await list('mem0')).toEqual(await list('/objects/mem0'));
    expect(await list('objects/mem0')).toEqual(await list('//objects//mem0/'));
    await expect(list('')).rejects.toMatchObject({ class: 'GenericError', message: /^Path '' is ambiguous/ });
    expect(await list('objects')).toEqual(await list('/objects'));
    await add({ 'qom-type': 'secret', id: 'objects', data: 'x' });
    await expect(list('objects')).rejects.toThrow('ambiguous');
  });

  it.each(['/nope', 'nope', '/objects/nope', '/objects/mem0/size', '/mem0', '/objects/type', '/objects/constructor'])(
    'does not find %s',
    async (path) => {
      await expect(list(path)).rejects.toMatchObject({
        class: 'DeviceNotFound',
        message: `Device '${path}' not found`,
      });
    },
  );
});

describe('qom-get', () => {
  it('gives the value of a property, defaults included', async () => {
    expect(await get('/objects/mem0', 'type')).toBe('memory-backend-ram');
    expect(await get('/objects/mem0', 'size')).toBe(1048576);
    expect(await get('/objects/mem0', 'dump')).toBe(true);
    expect(await get('/objects/mem0', 'share')).toBe(false);
    expect(await get('/objects/mem0', 'policy')).toBe('default');
    expect(await get('/objects/mem0', 'host-nodes')).toEqual([]);
    expect(await get('/objects/key', 'format')).toBe('raw');
    expect(await get('/objects/key', 'keyid')).toBe('');
  });

  it('gives the path of a child', async () => {
    expect(await get('/', 'objects')).toBe('/objects');
    expect(await get('/objects', 'mem0')).toBe('/objects/mem0');
    expect(await get('/objects', 'type')).toBe('container');
  });

  it('gives host-nodes as a set', async () => {
    await add({ 'qom-type': 'memory-backend-ram', id: 'm', size: 4096, policy: 'bind', 'host-nodes': [3, 0, 3] });
    expect(await get('m', 'host-nodes')).toEqual([0, 3]);
  });

  it('never returns the data of a secret', async () => {
    await expect(get('/objects/key', 'data')).rejects.toThrow("Property 'secret.data' is not readable");
  });

  it('names the property that is not there', async () => {
    await expect(get('/objects/mem0', 'nope')).rejects.toMatchObject({
      class: 'GenericError',
      message: "Property 'memory-backend-ram.nope' not found",
    });
    await expect(get('/objects', 'nope')).rejects.toThrow("Property 'container.nope' not found");
    await expect(get('/objects/nope', 'size')).rejects.toMatchObject({ class: 'DeviceNotFound' });
  });
});

describe('qom-set', () => {
  const set = (path: string, property: string, value: unknown) =>
    execute(objects, { execute: 'qom-set', arguments: { path, property, value } });
  const get = (path: string, property: string) =>
    execute(objects, { execute: 'qom-get', arguments: { path, property } });

  it('changes what can be changed, and checks the value', async () => {
    await add({ 'qom-type': 'iothread', id: 'io0' });
    await set('/objects/io0', 'poll-max-ns', 5);
    expect(await get('io0', 'poll-max-ns')).toBe(5);
    for (const wrong of ['x', 1.5]) {
      await expect(set('io0', 'poll-max-ns', wrong)).rejects.toThrow(
        "Invalid parameter type for 'poll-max-ns', expected: integer",
      );
    }
    await expect(set('io0', 'poll-max-ns', -1)).rejects.toThrow('must be in range');
    expect(await get('io0', 'poll-max-ns')).toBe(5);
    // 0 chooses the default of some.
    await set('io0', 'poll-weight', 63);
    await expect(set('io0', 'poll-weight', 64)).rejects.toThrow('poll-weight value must be in range [0, 63]');
    expect(await get('io0', 'poll-weight')).toBe(63);
    await set('io0', 'poll-weight', 0);
    expect(await get('io0', 'poll-weight')).toBe(3);
    await expect(set('io0', 'nope', 1)).rejects.toThrow("Property 'iothread.nope' not found");
    await expect(set('io0', 'type', 'x')).rejects.toThrow("Property 'iothread.type' is not writable");
    await expect(set('key', 'format', 'raw')).rejects.toThrow("Property 'secret.format' is not writable");
  });
});

describe('the types of objects', () => {
  const types = (args: object) => execute(objects, { execute: 'qom-list-types', arguments: args as never });

  it('lists types by what they are below, with or without those that have no objects', async () => {
    expect(await types({ implements: 'tls-creds' })).toEqual([
      { name: 'tls-creds-psk', parent: 'tls-creds' },
      { name: 'tls-creds-x509', parent: 'tls-creds' },
    ]);
    expect(await types({ implements: 'secret_common', abstract: true })).toEqual([
      { name: 'secret_common', parent: 'object', abstract: true },
      { name: 'secret', parent: 'secret_common' },
    ]);
    expect(await types({ implements: 'nope' })).toEqual([]);
    expect(await types({ implements: 'user-creatable' })).toContainEqual({
      name: 'iothread',
      parent: 'event-loop-base',
    });
  });

  it('shows the same properties for a type as for its objects', async () => {
    const properties = (typename: string) =>
      execute(objects, { execute: 'qom-list-properties', arguments: { typename } });
    expect(await properties('secret')).toEqual(await list('/objects/key'));
    expect(await properties('memory-backend-ram')).toEqual(await list('/objects/mem0'));
    await expect(properties('nope')).rejects.toMatchObject({ class: 'DeviceNotFound' });
  });
});
