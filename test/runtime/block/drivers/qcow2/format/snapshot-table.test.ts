import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  readSnapshotTable,
  type Snapshot,
  serialiseSnapshotTable,
  snapshotInfoOf,
  snapshotOf,
} from '../../../../../../runtime/block/drivers/qcow2/format/snapshot-table.js';
import { MemoryChild } from '../../../memory-child.js';

const place = { l1Offset: 0x50000, l1Entries: 4, diskSize: 2 ** 40 };

const snapshots: fc.Arbitrary<Snapshot> = fc.record({
  l1Offset: fc.nat().map((cluster) => cluster * 65536),
  l1Entries: fc.nat(),
  id: fc.nat().map(String),
  name: fc.string({ maxLength: 40 }).filter((name) => !name.includes('\0')),
  dateSeconds: fc.nat(),
  dateNanoseconds: fc.nat({ max: 999_999_999 }),
  vmClock: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  vmStateSize: fc.nat({ max: 2 ** 31 - 1 }).map((size) => size * 4096),
  diskSize: fc.nat({ max: 2 ** 31 - 1 }).map((size) => size * 512),
  complete: fc.constant(true),
});

function read(table: Uint8Array, snapshotCount: number, size = 0) {
  const file = new MemoryChild(new Uint8Array(512 + table.length));
  file.bytes.set(table, 512);
  return readSnapshotTable(file, { snapshotCount, snapshotTableOffset: 512, size });
}

describe('readSnapshotTable', () => {
  it('reads what was written', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(snapshots, { maxLength: 8 }), async (written) => {
        const table = serialiseSnapshotTable(written);
        const { snapshots: found, length } = await read(table, written.length);
        expect(length).toBe(table.length);
        expect(found.map(({ kept: _, ...rest }) => rest)).toEqual(written);
      }),
    );
  });

  it('keeps names that are no text, and extra data that it does not know', async () => {
    const record = new Uint8Array(40 + 24 + 1 + 3);
    const view = new DataView(record.buffer);
    view.setUint16(12, 1);
    view.setUint16(14, 3);
    view.setUint32(36, 24);
    record.set([1, 2, 3, 4, 5, 6, 7, 8], 40 + 16);
    record.set([0x31, 0xff, 0xfe, 0x41], 40 + 24);
    const { snapshots: found } = await read(record, 1);
    expect(found[0]).toMatchObject({ id: '1', name: '\ufffd\ufffdA' });
    expect(serialiseSnapshotTable(found)).toEqual(record);
  });

  it('takes sizes from elsewhere where records are short', async () => {
    const record = new Uint8Array(40);
    new DataView(record.buffer).setUint32(32, 4096);
    const { snapshots: found } = await read(record, 1, 12345);
    expect(found[0]).toMatchObject({ vmStateSize: 4096, diskSize: 12345, complete: false });
  });

  it('reads a table that is much longer than a record, in order', async () => {
    const many = Array.from({ length: 3000 }, (_, index) =>
      snapshotOf({ ...info, id: `${index}`, name: 'n'.repeat(index) }, place),
    );
    const { snapshots: found } = await read(serialiseSnapshotTable(many), many.length);
    expect(found.map(({ id, name }) => [id, name.length])).toEqual(many.map(({ id, name }) => [id, name.length]));
  });

  it('refuses impossible records and endless tables', async () => {
    const record = new Uint8Array(40);
    const view = new DataView(record.buffer);
    view.setUint32(36, 1025);
    await expect(read(record, 1)).rejects.toThrow('has 1025 bytes of extra data');
    view.setUint32(36, 0);
    view.setUint32(0, 0xffff_ffff);
    await expect(read(record, 1)).rejects.toThrow('an L1 table at 18446744069414584320');
    const long = new Uint8Array(64 * 2 ** 20 + 200_000);
    for (let at = 0; at < 64 * 2 ** 20; at += 65576) new DataView(long.buffer).setUint16(at + 14, 65535);
    await expect(read(long, 65536)).rejects.toMatchObject({ code: 'EFBIG' });
  });
});

const info = {
  id: '7',
  name: 'before',
  'vm-state-size': 0,
  'date-sec': 1_477_000_000,
  'date-nsec': 5,
  'vm-clock-sec': 3,
  'vm-clock-nsec': 999_999_999,
};

describe('snapshotInfoOf', () => {
  it('gives back what a snapshot was made from', () => {
    expect(snapshotInfoOf(snapshotOf(info, place))).toEqual(info);
  });

  it('cuts long ids and names', () => {
    const cut = snapshotInfoOf(snapshotOf({ ...info, id: 'i'.repeat(200), name: 'n'.repeat(300) }, place));
    expect([cut.id.length, cut.name.length]).toEqual([127, 255]);
  });
});

describe('serialiseSnapshotTable', () => {
  it('refuses what could not be read again', () => {
    const long = snapshotOf({ ...info, name: 'n'.repeat(65536) }, place);
    expect(() => serialiseSnapshotTable([long])).toThrow(expect.objectContaining({ code: 'ENAMETOOLONG' }));
    const most = snapshotOf({ ...info, name: 'n'.repeat(65535) }, place);
    expect(() => serialiseSnapshotTable(new Array<Snapshot>(1100).fill(most))).toThrow('longer than 64 MiB');
    expect(() => serialiseSnapshotTable(new Array<Snapshot>(65537).fill(most))).toThrow('at most 65536');
  });
});
