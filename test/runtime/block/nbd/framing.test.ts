import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReplyReader } from '../../../../runtime/block/drivers/nbd/reply-reader.js';
import {
  Exchange,
  type Extent,
  type NbdRequest,
  requestHeader,
} from '../../../../runtime/block/drivers/nbd/request.js';
import { ByteReader } from '../../../../runtime/block/nbd/byte-reader.js';
import { NbdMemory } from '../../../../runtime/block/nbd/memory.js';
import { Command, CommandFlag, type Framing, NbdErrno } from '../../../../runtime/block/nbd/protocol.js';
import { Replies } from '../../../../runtime/block/nbd/replies.js';
import { Request } from '../../../../runtime/block/nbd/request.js';

const framings: readonly Framing[] = ['simple', 'structured', 'extended'];
const contextId = 5;
const safe = fc.maxSafeNat();
/** Where data may lie: its end is a number that is exact, too. */
const place = fc.nat(2 ** 52);
const anyRequest = fc.record({
  type: fc.constantFrom(...Object.values(Command)),
  flags: fc.constantFrom(0, CommandFlag.fua, CommandFlag.noHole | CommandFlag.fastZero, CommandFlag.requestOne),
  offset: safe,
  length: fc.oneof(fc.nat(1 << 25), safe),
  handle: safe,
});

/** A request as the server gets it that the client has sent. */
function received(handle: number, request: NbdRequest, framing: Framing): Request {
  return new Request(requestHeader(handle, request, framing), framing);
}

/** What the client makes of a reply of the server's to a request, which comes in pieces of any size. */
async function answer(
  request: NbdRequest,
  framing: Framing,
  piece: number,
  reply: (replies: Replies, request: Request, memory: NbdMemory) => void,
): Promise<Extent | undefined> {
  const memory = new NbdMemory();
  const stream = new PassThrough();
  const replies = new Replies(
    stream,
    framing,
    memory.pool,
    () => 1,
    () => {},
  );
  reply(replies, received(1, request, framing), memory);
  await new Promise((resolve) => setImmediate(resolve));
  const sent: Buffer = stream.read() ?? Buffer.alloc(0);
  const reader = new ByteReader();
  return new Promise((resolve, reject) => {
    const exchange = new Exchange(request, resolve, reject);
    exchange.sent = true;
    const incoming = new ReplyReader(reader, {
      framing,
      contextId,
      find: (handle) => (handle === 1 ? exchange : undefined),
      answered: () => {
        exchange.answered = true;
        exchange.settle();
      },
    });
    for (let at = 0; at < sent.length; at += piece) {
      reader.push(sent.subarray(at, at + piece));
      incoming.advance();
    }
    if (!exchange.answered) reject(new Error('the reply ends too early'));
  });
}

describe.each(framings)('requests and replies with %s headers', (framing) => {
  it('a request arrives as it was sent, with as many bits as its header has', () => {
    fc.assert(
      fc.property(anyRequest, ({ handle, ...fields }) => {
        const write = fields.type === Command.write;
        const length = framing === 'extended' && !write ? fields.length : fields.length % (1 << 25);
        const payload = write ? { payload: new Uint8Array(0) } : {};
        const request = received(handle, { ...fields, length, ...payload }, framing);
        expect(request).toMatchObject({
          type: fields.type,
          flags: fields.flags | (write && framing === 'extended' ? CommandFlag.payloadLength : 0),
          offset: fields.offset,
          length,
          payloadLength: write ? length : 0,
          handleHigh: Math.floor(handle / 2 ** 32),
          handleLow: handle % 2 ** 32,
        });
      }),
    );
  });

  it('the data of a read arrives', async () => {
    const cases = [fc.uint8Array({ minLength: 1, maxLength: 3000 }), place, fc.integer({ min: 1, max: 700 })] as const;
    await fc.assert(
      fc.asyncProperty(...cases, async (data, offset, piece) => {
        const target = Buffer.alloc(data.length);
        const read = { type: Command.read, flags: 0, offset, length: data.length, target };
        await answer(read, framing, piece, (replies, request, memory) => {
          const buffer = memory.pool.take(replies.dataHeader + data.length);
          buffer.set(data, replies.dataHeader);
          replies.data(request, buffer);
        });
        expect(target.equals(data)).toBe(true);
      }),
    );
  });

  it('a read that is answered in pieces arrives', async () => {
    const cases = [fc.uint8Array({ minLength: 2, maxLength: 3000 }), place, fc.nat(), fc.boolean()] as const;
    await fc.assert(
      fc.asyncProperty(...cases, async (data, offset, cut, whole) => {
        const target = Buffer.alloc(data.length);
        const flags = whole ? CommandFlag.dontFragment : 0;
        const at = 1 + (cut % (data.length - 1));
        await answer(
          { type: Command.read, flags, offset, length: data.length, target },
          framing,
          100,
          (replies, request) => {
            void replies.piece(request, 0, Buffer.from(data.subarray(0, at)));
            void replies.piece(request, at, Buffer.from(data.subarray(at)));
          },
        );
        expect(target.equals(data)).toBe(true);
      }),
    );
  });

  it('success and failures arrive', async () => {
    const codes = Object.entries(NbdErrno);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(undefined, ...codes), fc.string(), safe, async (failure, text, offset) => {
        const outcome = answer({ type: Command.flush, flags: 0, offset, length: 0 }, framing, 9, (replies, request) => {
          if (failure === undefined) replies.succeed(request);
          else replies.fail(request, failure[1], text);
        });
        if (failure === undefined) expect(await outcome).toBeUndefined();
        else await expect(outcome).rejects.toMatchObject({ code: failure[0] });
      }),
    );
  });

  // Simple replies tell of no status.
  if (framing === 'simple') return;
  it('the first extent of a status arrives, cut as far as its header needs it', async () => {
    const stretch = (most: number) =>
      fc.record({ length: fc.integer({ min: 1, max: most }), state: fc.nat(2 ** 32 - 1) });
    const cases = [
      fc.array(stretch(2 ** 27), { maxLength: 20 }),
      stretch(2 ** 50),
      fc.nat(2 ** 50),
      fc.boolean(),
    ] as const;
    await fc.assert(
      fc.asyncProperty(...cases, async (before, last, more, one) => {
        const states = [...before, last];
        // The last begins inside of what was asked for.
        const asked = before.reduce((sum, { length }) => sum + length, 1) + more;
        const length = framing === 'extended' ? asked : Math.min(asked, 2 ** 32 - 1);
        const flags = one ? CommandFlag.requestOne : 0;
        const extent = await answer(
          { type: Command.blockStatus, flags, offset: 0, length },
          framing,
          50,
          (replies, request) => replies.status(request, [{ id: contextId, states }]),
        );
        const [first = last] = states;
        const inside = one || states.length > 1 ? Math.min(first.length, length) : first.length;
        const most = framing === 'extended' ? Number.POSITIVE_INFINITY : 0xffff_f000;
        expect(extent).toEqual({ length: Math.min(inside, most), state: first.state });
      }),
    );
  });
});

it('an offset and a length of 64 bits are rounded, and the offset is echoed as it came', async () => {
  const header = requestHeader(1, { type: Command.trim, flags: 0, offset: 0, length: 0 }, 'extended');
  header.fill(0xff, 16);
  const request = new Request(header, 'extended');
  expect([request.offset, request.length]).toEqual([2 ** 64, 2 ** 64]);
  const stream = new PassThrough();
  const replies = new Replies(
    stream,
    'extended',
    new NbdMemory().pool,
    () => 1,
    () => {},
  );
  replies.fail(request, NbdErrno.EINVAL, 'too far');
  expect((stream.read() as Buffer).readBigUInt64BE(16)).toBe(2n ** 64n - 1n);
});
