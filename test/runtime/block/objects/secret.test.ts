import { execFileSync } from 'node:child_process';
import { createCipheriv, randomBytes } from 'node:crypto';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BlockError } from '../../../../runtime/block/error.js';
import { UserObjects } from '../../../../runtime/block/objects/user-objects.js';

let folder: string;
let objects: UserObjects;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'secret-'));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
  objects = new UserObjects(async () => {});
});

type Properties = Omit<Extract<Parameters<UserObjects['add']>[0], { 'qom-type': 'secret' }>, 'qom-type' | 'id'>;

function add(id: string, properties: Properties): Promise<void> {
  return objects.add({ 'qom-type': 'secret', id, ...properties });
}

async function keeps(id: string): Promise<Buffer> {
  return Buffer.from(await objects.secretData(id));
}

function encrypt(data: Uint8Array, key: Uint8Array, iv: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  return Buffer.concat([cipher.update(data), cipher.final()]);
}

describe('a secret', () => {
  it('keeps text as UTF-8', async () => {
    await add('s', { data: 'häß' });
    expect(await keeps('s')).toEqual(Buffer.from('häß'));
  });

  it('keeps whatever bytes come as Base64', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async (bytes) => {
        await add('s', { data: Buffer.from(bytes).toString('base64'), format: 'base64' });
        expect(await keeps('s')).toEqual(Buffer.from(bytes));
        objects.remove('s');
      }),
      { numRuns: 50 },
    );
  });

  it('takes Base64 in lines, but nothing else between', async () => {
    await add('s', { data: 'YWJj\nZGVm\n', format: 'base64' });
    expect(String(await keeps('s'))).toBe('abcdef');
    for (const data of ['!!', 'YW Jj', 'YWJj\t', 'YW=Jj===', 'YWI', '====']) {
      await expect(add('bad', { data, format: 'base64' }), data).rejects.toThrow(/^Base64 data/);
    }
  });

  it('comes from a file, of any bytes', async () => {
    const path = join(folder, 'key');
    await writeFile(path, Uint8Array.of(255, 0, 10));
    await add('s', { file: path });
    expect([...(await keeps('s'))]).toEqual([255, 0, 10]);
  });

  it('comes from a file that may be used only', async () => {
    const path = join(folder, 'forbidden');
    await writeFile(path, 'x');
    objects = new UserObjects(async (asked) => {
      throw new BlockError(`'${asked}' is not for you`, { code: 'EACCES' });
    });
    await expect(add('s', { file: path })).rejects.toThrow(`'${path}' is not for you`);
  });

  it('says which file cannot be read', async () => {
    const path = join(folder, 'nowhere');
    await expect(add('s', { file: path })).rejects.toThrow(`Unable to read ${path}: No such file or directory`);
    await expect(add('s', { file: folder })).rejects.toThrow(`Unable to read ${folder}: Is a directory`);
  });

  it('comes from nothing that is endless, or that has no end yet', async () => {
    await expect(add('s', { file: '/dev/zero' })).rejects.toThrow('Unable to read /dev/zero: it is a device');
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    await expect(add('s', { file: pipe })).rejects.toThrow(`Unable to read ${pipe}: it is a pipe`);
    const huge = join(folder, 'huge');
    await writeFile(huge, '');
    await truncate(huge, 2 ** 40);
    await expect(add('s', { file: huge })).rejects.toThrow('it has more than 1048576 bytes');
  });

  it('requires exactly one of data and file', async () => {
    await expect(add('s', {})).rejects.toThrow("Either 'file' or 'data' must be provided");
    await expect(add('s', { data: 'x', file: '/nowhere' })).rejects.toThrow("'file' and 'data' are mutually exclusive");
  });

  it('returns a copy each time', async () => {
    await add('s', { data: 'abc' });
    (await keeps('s')).fill(0);
    const copy = await objects.secretData('s');
    objects.remove('s');
    expect(String(Buffer.from(copy))).toBe('abc');
    await expect(objects.secretData('s')).rejects.toThrow("No secret with id 's'");
  });
});

describe('an encrypted secret', () => {
  const key = randomBytes(32);
  const iv = randomBytes(16);

  beforeEach(() => add('key', { data: key.toString('base64'), format: 'base64' }));

  it('decrypts a secret from Base64 or from the bytes of a file', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), fc.boolean(), async (bytes, fromFile) => {
        const data = encrypt(bytes, key, iv);
        const path = join(folder, 'encrypted');
        await writeFile(path, data);
        const source: Properties = fromFile ? { file: path } : { data: data.toString('base64'), format: 'base64' };
        await add('s', { ...source, keyid: 'key', iv: iv.toString('base64') });
        expect(await keeps('s')).toEqual(Buffer.from(bytes));
        objects.remove('s');
      }),
      { numRuns: 50 },
    );
  });

  it('stays when its key is removed', async () => {
    const data = encrypt(Buffer.from('abc'), key, iv).toString('base64');
    await add('s', { data, format: 'base64', keyid: 'key', iv: iv.toString('base64') });
    objects.remove('key');
    expect(String(await keeps('s'))).toBe('abc');
  });

  it('reports what is wrong, key first, data last', async () => {
    await add('short', { data: 'too short' });
    await objects.add({ 'qom-type': 'memory-backend-ram', id: 'ram', size: 4096 });
    const goodIv = iv.toString('base64');
    const wrong: [Properties, string][] = [
      [{ data: '!', format: 'base64', keyid: 'missing' }, "No secret with id 'missing'"],
      [{ data: '!', format: 'base64', keyid: 'ram' }, "No secret with id 'ram'"],
      [{ data: '!', format: 'base64', keyid: 'short' }, 'Key should be 32 bytes in length, not 9'],
      [{ data: '!', format: 'base64', keyid: 'key' }, 'IV is required to decrypt secret'],
      [{ data: '!', format: 'base64', keyid: 'key', iv: '?' }, 'Base64 data contains invalid characters'],
      [{ data: '!', format: 'base64', keyid: 'key', iv: 'AAAA' }, 'IV should be 16 bytes in length not 3'],
      [{ data: '!', format: 'base64', keyid: 'key', iv: goodIv }, 'Base64 data contains invalid characters'],
      [{ data: 'x', keyid: 'key', iv: goodIv }, 'Length 1 must be a multiple of block size 16'],
      [{ data: '', keyid: 'key', iv: goodIv }, 'Length 0 must be a multiple of block size 16'],
    ];
    for (const [properties, message] of wrong) await expect(add('s', properties), message).rejects.toThrow(message);
    expect([...objects.all.keys()]).toEqual(['key', 'short', 'ram']);
  });

  it('refuses a secret whose padding shows that the key is another', async () => {
    // The last byte of a decrypted block is chosen here: 17 is longer than any padding.
    const cipher = createCipheriv('aes-256-cbc', key, iv).setAutoPadding(false);
    const data = cipher.update(Buffer.alloc(16, 17)).toString('base64');
    const properties: Properties = { data, format: 'base64', keyid: 'key', iv: iv.toString('base64') };
    await expect(add('s', properties)).rejects.toThrow('does not end as data encrypted');
  });
});
