import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  incompatibleField,
  l1Fields,
  type Qcow2Header,
  readHeader,
  refcountTableFields,
  serialiseHeader,
  sizeField,
  snapshotFields,
} from '../../../../../../runtime/block/drivers/qcow2/format/header.js';
import { MemoryChild } from '../../../memory-child.js';

const header: Qcow2Header = {
  version: 3,
  clusterBits: 16,
  clusterSize: 65536,
  size: 2 ** 30,
  encryption: 0,
  l1Entries: 2,
  l1Offset: 3 * 65536,
  refcountTableOffset: 65536,
  refcountTableClusters: 1,
  snapshotCount: 0,
  snapshotTableOffset: 0,
  incompatible: 0,
  compatible: 0n,
  autoclear: 0n,
  refcountOrder: 4,
  unknownFields: new Uint8Array(0),
  extensions: [],
};

/** Reads what `change` makes of a sound header. */
function readChanged(change: (view: DataView) => void, of: Qcow2Header = header): Promise<Qcow2Header> {
  const bytes = serialiseHeader(of);
  change(new DataView(bytes.buffer));
  return readHeader(new MemoryChild(bytes));
}

const headers: fc.Arbitrary<Qcow2Header> = fc
  .record({
    version: fc.constantFrom(2 as const, 3 as const),
    clusterBits: fc.integer({ min: 12, max: 21 }),
    size: fc.nat({ max: 2 ** 31 - 1 }),
    name: fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }).filter((name) => !name.includes('\0')),
    format: fc.option(fc.constantFrom('raw', 'qcow2', 'luks'), { nil: undefined }),
    snapshotCount: fc.nat({ max: 65536 }),
    flags: fc.nat({ max: 3 }),
    bits: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    refcountOrder: fc.nat({ max: 6 }),
    unknown: fc.uint8Array({ maxLength: 10 }).map((words) => new Uint8Array(words.length * 8).fill(words[0] ?? 0)),
    extension: fc.uint8Array({ maxLength: 30 }),
    encrypted: fc.boolean(),
  })
  .map(
    ({
      version,
      clusterBits,
      size,
      name,
      format,
      flags,
      bits,
      refcountOrder,
      unknown,
      extension,
      encrypted,
      snapshotCount,
    }) => {
      const clusterSize = 2 ** clusterBits;
      return {
        version,
        clusterBits,
        clusterSize,
        size,
        backing: { name, ...(format === undefined ? {} : { format }) },
        ...(encrypted ? { encryption: 2, luks: { offset: 11 * clusterSize, length: 2_068_480 } } : { encryption: 0 }),
        l1Entries: 2 ** 15,
        l1Offset: 7 * clusterSize,
        refcountTableOffset: 2 ** 40,
        refcountTableClusters: 2,
        snapshotCount,
        snapshotTableOffset: 9 * clusterSize,
        incompatible: version === 2 ? 0 : flags,
        compatible: version === 2 ? 0n : bits,
        autoclear: version === 2 ? 0n : bits ^ 0xffffn,
        refcountOrder: version === 2 ? 4 : refcountOrder,
        // The first byte is the compression type.
        unknownFields: version === 2 ? new Uint8Array(0) : unknown.map((byte, at) => (at === 0 ? 0 : byte)),
        extensions: [{ type: 0x2385_2875, data: extension }],
      };
    },
  );

describe('readHeader', () => {
  it('reads what serialiseHeader writes', async () => {
    await fc.assert(
      fc.asyncProperty(headers, async (written) => {
        const bytes = serialiseHeader(written);
        expect(bytes.length).toBe(written.clusterSize);
        expect(await readHeader(new MemoryChild(bytes))).toEqual(written);
      }),
      { numRuns: 60 },
    );
  });

  it.each<[string, (view: DataView) => void, object]>([
    ['is not in qcow2 format', (view) => view.setUint32(0, 0), { code: 'EINVAL' }],
    ['Unsupported qcow2 version 1', (view) => view.setUint32(4, 1), { code: 'ENOTSUP' }],
    ['Unsupported qcow2 version 4', (view) => view.setUint32(4, 4), { code: 'ENOTSUP' }],
    ['cluster size: 2^8', (view) => view.setUint32(20, 8), { code: 'EINVAL' }],
    ['cluster size: 2^22', (view) => view.setUint32(20, 22), { code: 'EINVAL' }],
    ['header is 103 bytes', (view) => view.setUint32(100, 103), { code: 'EINVAL' }],
    ['header is 65537 bytes', (view) => view.setUint32(100, 65537), { code: 'EINVAL' }],
    ["backing file's name: 65537", (view) => view.setBigUint64(8, 65537n), { code: 'EINVAL' }],
    ['encryption method 3', (view) => view.setUint32(32, 3), { code: 'EINVAL' }],
    ['Refcounts are 2^7', (view) => view.setUint32(96, 7), { code: 'EINVAL' }],
    ['refcount table has 129 clusters', (view) => view.setUint32(56, 129), { code: 'EINVAL' }],
    ['does not contain a refcount table', (view) => view.setUint32(56, 0), { code: 'EINVAL' }],
    ['Invalid refcount table offset', (view) => view.setBigUint64(48, 1000n), { code: 'EINVAL' }],
    ['refcount table offset is 18446744073709486080', (view) => view.setBigInt64(48, -65536n), { code: 'EINVAL' }],
    ['Too many snapshots: 65537', (view) => view.setUint32(60, 65537), { code: 'EINVAL' }],
    ['Invalid snapshot table offset', (view) => view.setBigUint64(64, 8n), { code: 'EINVAL' }],
    ['L1 table has 4194305 entries', (view) => view.setUint32(36, 2 ** 22 + 1), { code: 'EFBIG' }],
    ['L1 table has 1 entries, but', (view) => view.setUint32(36, 1), { code: 'EINVAL' }],
    ['Invalid L1 table offset', (view) => view.setBigUint64(40, 512n), { code: 'EINVAL' }],
    ['virtual size is 9223372036854775808', (view) => view.setBigUint64(24, 2n ** 63n), { code: 'EFBIG' }],
    ['Header extension 0x6803f857 is 70000 bytes', (view) => view.setUint32(108, 70000), { code: 'EINVAL' }],
  ])('refuses: %s', async (message, change, error) => {
    const read = readChanged(change);
    await expect(read).rejects.toThrow(message);
    await expect(read).rejects.toMatchObject(error);
  });

  it('refuses a place of a LUKS header that cannot be', async () => {
    const luks = { offset: 3 * header.clusterSize, length: 2_068_480 };
    const encrypted = { ...header, encryption: 2, luks } as const;
    const read = (changed: Qcow2Header) => readHeader(new MemoryChild(serialiseHeader(changed)));
    await expect(read(encrypted)).resolves.toEqual(encrypted);
    await expect(read({ ...encrypted, luks: { ...luks, offset: 512 } })).rejects.toThrow('Invalid LUKS header offset');
    await expect(read({ ...encrypted, luks: { ...luks, length: 2 ** 60 } })).rejects.toThrow(
      'Invalid LUKS header offset',
    );
    await expect(read({ ...encrypted, encryption: 0 })).rejects.toThrow('not that the image is encrypted with LUKS');
    const short = { ...header, encryption: 2, extensions: [{ type: 0x0537_be77, data: new Uint8Array(8) }] } as const;
    await expect(read(short)).rejects.toThrow('The header extension for LUKS is 8 bytes long, but must be 16');
  });

  it("refuses a backing file's name that is longer than there is room or sense for", async () => {
    const name = (length: number, offset: number) =>
      readChanged((view) => {
        view.setUint32(16, length);
        view.setBigUint64(8, BigInt(offset));
      });
    await expect(name(1024, 1000)).rejects.toThrow('must be at most 1023');
    await expect(name(101, 65436)).rejects.toThrow('must be at most 100');
    await expect(name(100, 65436)).resolves.toMatchObject({ size: header.size });
  });

  it('names unknown features as the image does', async () => {
    const unnamed = readChanged((view) => view.setBigUint64(72, 1n << 40n));
    await expect(unnamed).rejects.toThrow('Unsupported qcow2 feature(s): unknown incompatible feature: bit 40');
    const named = readChanged((view) => {
      view.setBigUint64(72, 1n << 41n);
      view.setUint8(113, 41);
    });
    await expect(named).rejects.toThrow('Unsupported qcow2 feature(s): dirty bit');
  });

  it('opens an image without a refcount table only for a check', async () => {
    const bytes = serialiseHeader({ ...header, refcountTableClusters: 0 });
    const file = new MemoryChild(bytes);
    await expect(readHeader(file)).rejects.toThrow('does not contain a refcount table');
    await expect(readHeader(file, 'check')).resolves.toMatchObject({ refcountTableClusters: 0 });
  });

  it('refuses a file that is empty', async () => {
    await expect(readHeader(new MemoryChild())).rejects.toThrow('not in qcow2 format');
  });
});

describe('serialiseHeader', () => {
  it('fails rather than writing half of what does not fit', () => {
    const small = { ...header, clusterBits: 9, clusterSize: 512, l1Entries: 2 ** 15 };
    const backing = (length: number) => ({ ...small, backing: { name: 'b'.repeat(length) } });
    expect(serialiseHeader(backing(512 - 112)).length).toBe(512);
    expect(() => serialiseHeader(backing(512 - 111))).toThrow(expect.objectContaining({ code: 'ENOSPC' }));
  });

  it('changes single fields as it writes them all', async () => {
    const bytes = serialiseHeader(header);
    const changed: Qcow2Header = {
      ...header,
      size: 2 ** 29,
      l1Entries: 77,
      l1Offset: 2 ** 45,
      refcountTableOffset: 2 ** 44,
      refcountTableClusters: 5,
      snapshotCount: 3,
      snapshotTableOffset: 2 ** 43,
      incompatible: 1,
    };
    const patches = [sizeField(changed.size), l1Fields(changed), refcountTableFields(changed), snapshotFields(changed)];
    for (const patch of [...patches, incompatibleField(1)]) bytes.set(patch.bytes, patch.offset);
    expect(bytes).toEqual(serialiseHeader(changed));
  });
});
