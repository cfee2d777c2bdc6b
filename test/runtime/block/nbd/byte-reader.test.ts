import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BufferPool } from '../../../../runtime/block/nbd/buffer-pool.js';
import { ByteReader, ConnectionClosed } from '../../../../runtime/block/nbd/byte-reader.js';

/** Lets bytes arrive, as chunks or in the reader's own memory. */
function deliver(reader: ByteReader, bytes: Buffer, own: boolean): boolean {
  if (!own) return reader.push(Buffer.from(bytes));
  let more = true;
  for (let at = 0; at < bytes.length; ) {
    const room = reader.room();
    const count = bytes.copy(room, 0, at, at + room.length);
    expect(count).toBeGreaterThan(0);
    more = reader.arrived(count);
    at += count;
  }
  return more;
}

describe.each([
  ['chunks', false],
  ['its own memory', true],
])('a reader with %s', (_, own) => {
  it('gives the bytes in order, however they come and are asked for', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 20 }),
        fc.array(fc.record({ length: fc.integer({ min: 0, max: 150_000 }), fill: fc.boolean() }), { maxLength: 30 }),
        (chunks, wanted) => {
          const reader = new ByteReader();
          let sent = 0;
          let taken = 0;
          const next = [...wanted];
          let target: Buffer | undefined;
          const expectBytes = (bytes: Buffer): void => {
            for (let i = 0; i < bytes.length; i++)
              if (bytes[i] !== (taken + i) % 251) throw new Error(`${taken + i} is wrong`);
            taken += bytes.length;
          };
          reader.onReady = () => {
            for (;;) {
              if (reader.filling) return;
              if (target !== undefined) expectBytes(target);
              target = undefined;
              const [message] = next;
              if (message === undefined) {
                const rest = reader.take(4096);
                if (rest === undefined) return;
                expectBytes(rest);
              } else if (message.fill) {
                target = Buffer.alloc(message.length);
                reader.fill(target);
                next.shift();
              } else {
                const bytes = reader.take(Math.min(message.length, 1000));
                if (bytes === undefined) return;
                expectBytes(bytes);
                next.shift();
              }
            }
          };
          for (const length of chunks) {
            const bytes = Buffer.alloc(length).map((_, i) => (sent + i) % 251) as Buffer;
            sent += length;
            deliver(reader, bytes, own);
          }
          // Nothing is held back.
          const wanting = target?.length ?? next[0]?.length ?? 4096;
          expect(sent - taken).toBeLessThan(Math.max(1, wanting));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('pauses the stream, keeps what has arrived, and goes on', () => {
    const reader = new ByteReader();
    let resumed = 0;
    reader.resume = () => resumed++;
    reader.hold();
    expect(deliver(reader, Buffer.alloc(60_000, 1), own)).toBe(false);
    // What was under way when the stream was paused.
    expect(deliver(reader, Buffer.alloc(60_000, 2), own)).toBe(false);
    reader.release();
    reader.release();
    expect(resumed).toBe(1);
    expect(reader.take(60_000)?.equals(Buffer.alloc(60_000, 1))).toBe(true);
    expect(deliver(reader, Buffer.alloc(50_000, 3), own)).toBe(true);
    expect(reader.take(110_001)).toBeUndefined();
    expect(reader.take(60_000)?.equals(Buffer.alloc(60_000, 2))).toBe(true);
    expect(reader.take(50_000)?.equals(Buffer.alloc(50_000, 3))).toBe(true);
  });

  it('fails to read beyond the end', async () => {
    const reader = new ByteReader();
    deliver(reader, Buffer.from('abc'), own);
    expect((await reader.read(2)).toString()).toBe('ab');
    const missing = reader.read(2);
    reader.end();
    await expect(missing).rejects.toThrow(ConnectionClosed);
    await expect(reader.read(1)).rejects.toThrow(ConnectionClosed);
  });
});

describe('the pool of buffers', () => {
  it.each([1, 4096, 4097, 4160, 4161, 65_536 + 28, 2 ** 20 + 64])('provides %i bytes, again and again', (length) => {
    const pool = new BufferPool(2 ** 24);
    const buffer = pool.take(length);
    expect(buffer.length).toBeGreaterThanOrEqual(length);
    expect(buffer.length).toBeLessThanOrEqual(Math.max(4160, 2 * length));
    pool.giveBack(buffer);
    expect(pool.take(length)).toBe(buffer);
    expect(pool.take(length)).not.toBe(buffer);
  });

  it('keeps neither large buffers nor more than it may', () => {
    const pool = new BufferPool(10_000);
    const buffers = [1, 2, 3].map(() => pool.take(4096));
    for (const buffer of buffers) pool.giveBack(buffer);
    expect(new Set([1, 2, 3].map(() => pool.take(4096)))).not.toEqual(new Set(buffers));
    const large = pool.take(2 ** 22);
    expect(large.length).toBe(2 ** 22);
    pool.giveBack(large);
    expect(pool.take(2 ** 22) === large).toBe(false);
  });
});
