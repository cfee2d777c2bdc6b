import { describe, expect, it } from 'vitest';
import type { BlockDriver } from '../../../../runtime/block/driver.js';
import { DriverRegistry } from '../../../../runtime/block/graph/registry.js';
import { checkWhitelist } from '../../../../runtime/block/graph/whitelist.js';
import { quietHost } from '../drivers/file-context.js';

const open = () => Promise.reject(new Error('never opened'));
const format = (name: string, score: number): BlockDriver => ({ name, kind: 'format', probe: () => score, open });
const protocol = (name: string, more: Partial<BlockDriver> = {}): BlockDriver => ({
  name,
  kind: 'protocol',
  open,
  ...more,
});

describe('choosing a driver', () => {
  const registry = new DriverRegistry(
    [
      protocol('file'),
      protocol('device', { claimsPath: async (path) => path.startsWith('/dev/') }),
      protocol('http', { prefixes: ['http', 'https'] }),
      protocol('hidden', { prefixes: [] }),
      format('raw', 1),
    ],
    ['raw', 'vdi'],
  );

  it('chooses a driver by its name', () => {
    expect(registry.named('raw').name).toBe('raw');
    expect(() => registry.named('vdi')).toThrow(expect.objectContaining({ code: 'ENOTSUP' }));
    expect(() => registry.named('vdi')).toThrow("'vdi' is not built in");
    expect(() => registry.named('nope')).toThrow("Unknown driver 'nope'; there are file, device, http, hidden, raw");
    expect(() => registry.named('')).toThrow('Unknown driver');
  });

  it.each([
    ['a.img', 'file'],
    ['/dev/sda', 'device'],
    ['./http:x', 'file'],
    ['/dev/x:y', 'device'],
    ['file:a', 'file'],
    ['file:/dev/sda', 'file'],
    ['https://host/', 'http'],
    ['device:/dev/sda', 'device'],
  ])('chooses a driver by the file name %s', async (filename, name) => {
    expect((await registry.forFilename(filename, true, quietHost())).name).toBe(name);
  });

  it.each(['raw:a', 'hidden:a', 'nope:a', ':a'])('chooses no driver by the file name %s', async (filename) => {
    await expect(registry.forFilename(filename, true, quietHost())).rejects.toThrow('Unknown protocol');
  });

  it('chooses the file driver for a path that only looks prefixed', async () => {
    expect((await registry.forFilename('https://host/', false, quietHost())).name).toBe('file');
  });

  it('chooses the format with the highest score for the data, of equal ones the first', () => {
    const probing = new DriverRegistry([
      format('none', 0),
      format('weak', 1),
      format('first', 100),
      format('second', 100),
      protocol('file', { probe: () => 1000 }),
    ]);
    expect(probing.probe(new Uint8Array(512), '').name).toBe('first');
    expect(() => new DriverRegistry([format('none', 0)]).probe(new Uint8Array(0), '')).toThrow('Could not determine');
  });
});

describe('the list of allowed drivers', () => {
  it('allows all drivers when the list is empty', () => {
    checkWhitelist({}, 'qcow2', false);
    checkWhitelist({ readWrite: [], readOnly: [] }, 'qcow2', false);
  });

  it('distinguishes drivers for all uses from those for reading only', () => {
    const list = { readWrite: ['raw'], readOnly: ['qcow2', 'raw'] };
    checkWhitelist(list, 'raw', false);
    checkWhitelist(list, 'qcow2', true);
    expect(() => checkWhitelist(list, 'qcow2', false)).toThrow("'qcow2' can only be used for read-only devices");
    expect(() => checkWhitelist(list, 'vdi', true)).toThrow("'vdi' is not whitelisted");
    expect(() => checkWhitelist({ readOnly: ['raw'] }, 'vdi', true)).toThrow('not whitelisted');
  });
});
