import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nbd } from '../../../../../runtime/block/drivers/nbd/driver.js';
import type { BlockNode } from '../../../../../runtime/block/graph/node.js';
import {
  Chunk,
  Command,
  CommandFlag,
  ExportFlag,
  HandshakeFlag,
  Info,
  initMagic,
  NbdErrno,
  Option,
  OptionReply,
  oldstyleMagic,
} from '../../../../../runtime/block/nbd/protocol.js';
import { RequestFlag } from '../../../../../runtime/block/request-flag.js';
import { outcomeOf, readAt, SmallGraph } from '../small-graph.js';
import {
  allFlags,
  bytes,
  chunk,
  contextId,
  extendedChunk,
  type Peer,
  ScriptedServer,
  simpleReply,
} from './scripted-server.js';

let folder: string;
let path: string;
let server: ScriptedServer;
let small: SmallGraph;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nbd-hostile-'));
  path = join(folder, 's');
  server = new ScriptedServer();
  await server.listen(path);
  small = new SmallGraph(nbd);
});
afterEach(async () => {
  await small.graph.close();
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** Opens an export of a server that does this. */
function open(script: (peer: Peer) => Promise<void>, options: object = {}): Promise<BlockNode> {
  server.scripts = [script];
  return small.add({ driver: 'nbd', 'node-name': 'n', discard: 'unmap', server: { type: 'unix', path }, ...options });
}

/** Opens an export, and answers the first request like this. */
function answering(
  answer: (peer: Peer, handle: bigint) => Promise<void> | void,
  structured = true,
): Promise<BlockNode> {
  return open(async (peer) => {
    await peer.negotiate({ structured });
    const { type, handle, length } = await peer.request();
    if (type === Command.write) await peer.read(length);
    await answer(peer, handle);
  });
}

const text = (message: string): Buffer => bytes([2, message.length], Buffer.from(message));

describe('the handshake of the driver nbd', () => {
  it('falls back to EXPORT_NAME for servers that know no GO', async () => {
    const node = await open(
      async (peer) => {
        expect(await peer.greet(HandshakeFlag.fixedNewstyle)).toBe(HandshakeFlag.fixedNewstyle);
        for (;;) {
          const { option, data } = await peer.option();
          if (option === Option.exportName) {
            expect(data.toString()).toBe('old');
            peer.socket.write(bytes([8, 4096 + 512], [2, ExportFlag.hasFlags], Buffer.alloc(124)));
            const { handle } = await peer.request();
            peer.socket.write(Buffer.concat([simpleReply(handle), Buffer.alloc(1024, 3)]));
            return;
          }
          peer.reply(option, OptionReply.unsupported);
        }
      },
      { export: 'old' },
    );
    expect([node.length, node.requestAlignment]).toEqual([4608, 512]);
    expect(await readAt(node, 1000, 10)).toEqual(Buffer.alloc(10, 3));
  });

  it('speaks with servers that know no options at all, which have no zeroes, trims or flushes', async () => {
    const node = await open(async (peer) => {
      expect(await peer.greet(0)).toBe(0);
      await peer.option();
      peer.socket.write(bytes([8, 4097], [2, 0], Buffer.alloc(124)));
      const { type, handle, length } = await peer.request();
      expect([type, length, await peer.read(length)]).toEqual([Command.write, 3, Buffer.alloc(3)]);
      peer.socket.write(simpleReply(handle));
    });
    expect(node.requestAlignment).toBe(1);
    await node.requests.writeZeroes(4000, 3);
    await node.requests.discard(0, 4096);
    await node.requests.flush();
    expect(await node.instance?.blockStatus?.(0, 4097)).toMatchObject({ length: 4097, data: true, zero: false });
    expect(await outcomeOf(node.requests.writeZeroes(0, 512, RequestFlag.noFallback))).toBe('ENOTSUP');
  });

  it('asks for what the export can do, and keeps to the sizes that the server takes', async () => {
    const asked: (readonly [number, number, number, number])[] = [];
    const node = await open(async (peer) => {
      await peer.negotiate({ size: 1 << 24, blocks: [4096, 4096, 1 << 20] });
      for (;;) {
        const { type, flags, offset, length, handle } = await peer.request();
        asked.push([type, flags, offset, length]);
        peer.socket.write(chunk(handle, Chunk.none, bytes()));
      }
    });
    expect(node.requestAlignment).toBe(4096);
    await node.requests.writeZeroes(0, (1 << 20) + 4096, RequestFlag.mayUnmap | RequestFlag.fua);
    await node.requests.writeZeroes(0, 4096, RequestFlag.noFallback);
    await node.requests.discard(0, 1 << 23);
    await node.requests.flush();
    expect(asked).toEqual([
      [Command.writeZeroes, CommandFlag.fua, 0, 1 << 20],
      [Command.writeZeroes, CommandFlag.fua, 1 << 20, 4096],
      [Command.writeZeroes, CommandFlag.noHole | CommandFlag.fastZero, 0, 4096],
      [Command.trim, 0, 0, 1 << 23],
      [Command.flush, 0, 0, 0],
    ]);
  });

  const greeted = (then: (peer: Peer) => Promise<void> | void) => async (peer: Peer) => {
    await peer.greet();
    await then(peer);
  };
  /** Refuses everything but GO, and answers that. */
  const go = (answer: (peer: Peer) => void) =>
    greeted(async (peer) => {
      for (const option of [Option.extendedHeaders, Option.structuredReply]) {
        await peer.option();
        peer.reply(option, OptionReply.unsupported);
      }
      await peer.option();
      answer(peer);
    });
  const told = (...infos: Buffer[]) =>
    go((peer) => {
      for (const info of infos) peer.reply(Option.go, OptionReply.info, info);
      peer.reply(Option.go, OptionReply.ack);
    });
  const size = (value: number | bigint) => bytes([2, Info.export], [8, value], [2, allFlags]);
  const blocks = (minimum: number, most: number) => bytes([2, Info.blockSize], [4, minimum], [4, minimum], [4, most]);

  it.each<[string, (peer: Peer) => Promise<void>, RegExp]>([
    [
      'something else',
      async ({ socket }) => void socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
      /does not speak NBD/,
    ],
    [
      'another second mark',
      async ({ socket }) => void socket.write(bytes([8, initMagic], [8, 1])),
      /does not speak NBD/,
    ],
    ['the old style', async ({ socket }) => void socket.write(bytes([8, initMagic], [8, oldstyleMagic])), /old style/],
    ['nothing', async ({ socket }) => void socket.end(), /closed the connection/],
    ['half of a greeting', async ({ socket }) => void socket.end(bytes([8, initMagic])), /closed the connection/],
    ['no answer to an option', greeted((peer) => void peer.socket.write(Buffer.alloc(20))), /no reply to an option/],
    [
      'an answer to another option',
      greeted((peer) => peer.reply(Option.list, OptionReply.ack)),
      /no reply to an option/,
    ],
    [
      'a huge answer to an option',
      greeted((peer) => peer.reply(Option.extendedHeaders, OptionReply.unsupported, Buffer.alloc(0), 0xffff_ffff)),
      /a reply of 4294967295 bytes to an option/,
    ],
    [
      'answers without end',
      go((peer) => {
        for (let i = 0; i < 2000; i++) peer.reply(Option.go, OptionReply.info, bytes([2, Info.name]));
      }),
      /without end/,
    ],
    ['an answer of another kind', go((peer) => peer.reply(Option.go, OptionReply.server)), /otherwise/],
    ['no size', told(), /does not tell the size/],
    ['a size that is no number here', told(size(2n ** 63n)), /too large: 9223372036854775808 bytes/],
    ['a unit that is no power of two', told(size(4096), blocks(3, 4096)), /requests of 3 to 4096 bytes/],
    ['a unit of nothing', told(size(4096), blocks(0, 4096)), /requests of 0 to 4096 bytes/],
    ['a huge unit', told(size(0), blocks(1 << 20, 1 << 25)), /requests of 1048576 to/],
    ['a limit below the unit', told(size(4096), blocks(4096, 512)), /requests of 4096 to 512 bytes/],
    ['a size that is no multiple of the unit', told(size(5000), blocks(4096, 1 << 25)), /no multiple of 4096/],
    ['that it wants TLS', go((peer) => peer.reply(Option.go, OptionReply.tlsRequired)), /TLS negotiation required/],
    [
      'that it does not want us',
      go((peer) => peer.reply(Option.go, OptionReply.policy, Buffer.from('go away'))),
      /is refused: the server says 'go away'/,
    ],
    ['an error that it alone knows', go((peer) => peer.reply(Option.go, 0x8000_1234)), /refused with error 4660/],
  ])('fails without a trace when a server sends %s', async (_, script, problem) => {
    await expect(open(script)).rejects.toThrow(problem);
    await expect(open(script)).rejects.toThrow(`NBD server '${path}': `);
  });

  it('gives up a server that says nothing', async () => {
    let connected = () => {};
    const greeting = new Promise<void>((resolve) => (connected = resolve));
    const opening = open(async (peer) => {
      await peer.greet();
      await peer.option();
      connected();
    });
    opening.catch(() => {});
    await greeting;
    await small.clock.advance(31e9);
    await expect(opening).rejects.toMatchObject({ code: 'ETIMEDOUT', message: /no answer within 30 s/ });
  });

  it('fails without the metadata context that was asked for', async () => {
    const script = async (peer: Peer) => {
      await peer.greet();
      for (;;) {
        const { option } = await peer.option();
        if (option === Option.go) peer.reply(option, OptionReply.info, size(4096));
        peer.reply(option, OptionReply.ack);
      }
    };
    await expect(open(script, { 'x-dirty-bitmap': 'qemu:dirty-bitmap:b' })).rejects.toMatchObject({
      code: 'EINVAL',
      message: /no metadata context 'qemu:dirty-bitmap:b'/,
    });
  });
});

describe('replies to the driver nbd', () => {
  it('parts of a reply come in any order, with holes between', async () => {
    const node = await answering((peer, handle) => {
      const { socket } = peer;
      socket.write(chunk(handle, Chunk.offsetData, bytes([8, 1536], Buffer.alloc(512, 4)), { done: false }));
      socket.write(chunk(handle, Chunk.offsetHole, bytes([8, 512], [4, 1024]), { done: false }));
      socket.write(chunk(handle, Chunk.offsetData, bytes([8, 0], Buffer.alloc(512, 1)), { done: false }));
      socket.write(chunk(handle, Chunk.none, bytes()));
    });
    const wanted = Buffer.concat([Buffer.alloc(512, 1), Buffer.alloc(1024), Buffer.alloc(512, 4)]);
    expect(await readAt(node, 0, 2048)).toEqual(wanted);
  });

  it('a reply comes byte by byte', async () => {
    const node = await answering(async ({ socket }, handle) => {
      const reply = chunk(handle, Chunk.offsetData, bytes([8, 512], Buffer.alloc(512, 8)));
      for (const byte of reply) {
        socket.write(Buffer.of(byte));
        if (reply.length < 100 || byte % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    });
    expect(await readAt(node, 512, 512)).toEqual(Buffer.alloc(512, 8));
  });

  it.each([
    ['an error', (handle: bigint) => chunk(handle, Chunk.error, bytes([4, NbdErrno.ENOSPC], text('full'))), 'ENOSPC'],
    [
      'an error of an offset',
      (handle: bigint) => chunk(handle, 0x8002, bytes([4, NbdErrno.EIO], text(''), [8, 7])),
      'EIO',
    ],
    [
      'an unknown kind of error',
      (handle: bigint) => chunk(handle, 0x8fff, bytes([4, NbdErrno.EPERM], text('x'))),
      'EPERM',
    ],
    ['an unknown error', (handle: bigint) => chunk(handle, Chunk.error, bytes([4, 9999], text(''))), 'EINVAL'],
    ['an error of no number', (handle: bigint) => chunk(handle, Chunk.error, bytes([4, 0], text(''))), 'EINVAL'],
  ])('%s fails the request alone', async (_, reply, code) => {
    const node = await open(async (peer) => {
      await peer.negotiate();
      peer.socket.write(reply((await peer.request()).handle));
      for (;;) peer.socket.write(chunk((await peer.request()).handle, Chunk.none, bytes()));
    });
    expect(await outcomeOf(node.requests.read(0, Buffer.alloc(512)))).toBe(code);
    expect(await outcomeOf(node.requests.writeZeroes(0, 512))).toBe('ok');
  });

  const data = (offset: number, length: number) => bytes([8, offset], Buffer.alloc(length, 0xaa));
  it.each<[string, (handle: bigint) => Buffer, RegExp]>([
    ['no reply', () => Buffer.alloc(16, 1), /no reply where one was due/],
    ['an answer to what was not asked', (handle) => simpleReply(handle + 1n), /not in flight/],
    ['a simple reply to a read', (handle) => simpleReply(handle), /simple reply to a read/],
    [
      'a huge chunk',
      (handle) => chunk(handle, Chunk.offsetData, bytes([8, 0]), { length: 0xffff_ffff }),
      /chunk of type 1/,
    ],
    [
      'an empty chunk of data',
      (handle) => chunk(handle, Chunk.offsetData, bytes([8, 0])),
      /chunk of type 1 with 8 bytes/,
    ],
    ['data before', (handle) => chunk(handle, Chunk.offsetData, data(0, 512)), /elsewhere/],
    ['data behind', (handle) => chunk(handle, Chunk.offsetData, data(513, 512)), /elsewhere/],
    ['a hole behind', (handle) => chunk(handle, Chunk.offsetHole, bytes([8, 512], [4, 513])), /elsewhere/],
    ['a hole of nothing', (handle) => chunk(handle, Chunk.offsetHole, bytes([8, 512], [4, 0])), /elsewhere/],
    ['a hole of no form', (handle) => chunk(handle, Chunk.offsetHole, bytes([8, 512])), /chunk of type 2 with 8 bytes/],
    ['too little', (handle) => chunk(handle, Chunk.offsetData, data(512, 100)), /sent 100 of 512 bytes/],
    ['nothing', (handle) => chunk(handle, Chunk.none, bytes()), /sent 0 of 512 bytes/],
    ['nothing with something', (handle) => chunk(handle, Chunk.none, bytes([4, 1])), /chunk of type 0/],
    [
      'something twice',
      (handle) =>
        Buffer.concat([
          chunk(handle, Chunk.offsetData, data(512, 400), { done: false }),
          chunk(handle, Chunk.offsetData, data(512, 400)),
        ]),
      /more data than/,
    ],
    [
      'a status',
      (handle) => chunk(handle, Chunk.blockStatus, bytes([4, contextId], [4, 512], [4, 0])),
      /chunk of type 5/,
    ],
    ['an unknown chunk', (handle) => chunk(handle, 99, bytes()), /chunk of type 99/],
    ['an error that is cut off', (handle) => chunk(handle, Chunk.error, bytes([4, 5], [2, 100])), /cut off/],
    [
      'a huge error',
      (handle) => chunk(handle, Chunk.error, bytes([4, 5], [2, 0]), { length: 1 << 30 }),
      /chunk of type 32769/,
    ],
  ])('%s ends the connection, and the request fails', async (_, reply, problem) => {
    const node = await answering(({ socket }, handle) => void socket.write(reply(handle)));
    expect(await outcomeOf(node.requests.read(512, Buffer.alloc(512)))).toBe('EIO');
    expect(small.warnings[0]).toMatch(problem);
    expect(small.warnings[0]).toContain(path);
  });

  it.each<[string, (handle: bigint) => Buffer, RegExp]>([
    ['another context', (handle) => chunk(handle, Chunk.blockStatus, bytes([4, 1], [4, 512], [4, 0])), /not asked for/],
    [
      'a stretch of nothing',
      (handle) => chunk(handle, Chunk.blockStatus, bytes([4, contextId], [4, 0], [4, 0])),
      /not asked/,
    ],
    ['no stretch', (handle) => chunk(handle, Chunk.blockStatus, bytes([4, contextId])), /chunk of type 5/],
    [
      'half a stretch',
      (handle) => chunk(handle, Chunk.blockStatus, bytes([4, contextId], [4, 512], [2, 0])),
      /chunk of type 5/,
    ],
    ['data', (handle) => chunk(handle, Chunk.offsetData, data(0, 512)), /chunk of type 1/],
    ['no answer', (handle) => chunk(handle, Chunk.none, bytes()), /did not tell the status/],
    ['a simple reply', (handle) => simpleReply(handle), /did not tell the status/],
  ])('a status of %s ends the connection', async (_, reply, problem) => {
    const node = await answering(({ socket }, handle) => void socket.write(reply(handle)));
    await expect(node.instance?.blockStatus?.(0, 4096)).rejects.toMatchObject({ code: 'EIO' });
    expect(small.warnings[0]).toMatch(problem);
  });

  it('a status of more than was asked for is cut, and what tells of more stretches is passed over', async () => {
    const node = await open(async (peer) => {
      await peer.negotiate();
      const extents = Array.from({ length: 40_000 }, () => bytes([4, 1 << 30], [4, 3]));
      peer.socket.write(chunk((await peer.request()).handle, Chunk.blockStatus, bytes([4, contextId], ...extents)));
      const odd = bytes([4, contextId], [4, 100], [4, 3]);
      peer.socket.write(chunk((await peer.request()).handle, Chunk.blockStatus, odd));
    });
    expect(await node.instance?.blockStatus?.(0, 8192)).toMatchObject({ length: 8192, data: false, zero: true });
    // Less than a block: something in it may be data.
    expect(await node.instance?.blockStatus?.(0, 8192)).toMatchObject({ length: 512, data: true, zero: false });
  });

  it('structured replies that were not agreed on end the connection', async () => {
    const node = await answering(({ socket }, handle) => void socket.write(chunk(handle, Chunk.none, bytes())), false);
    expect(await outcomeOf(node.requests.write(0, Buffer.alloc(512)))).toBe('EIO');
    expect(small.warnings[0]).toMatch(/structured reply/);
  });

  const states = (count: number, ...fields: [number, number][]) =>
    bytes(
      [4, contextId],
      [4, count],
      ...fields.flatMap(([length, state]) => [[8, length] as const, [8, state] as const]),
    );
  it.each<[string, (handle: bigint) => Buffer, RegExp]>([
    [
      'a structured reply',
      (handle) => Buffer.concat([chunk(handle, Chunk.none, bytes()), bytes([4, 0], [8, 0])]),
      /no reply/,
    ],
    [
      'a simple reply',
      (handle) => Buffer.concat([simpleReply(handle), Buffer.alloc(16)]),
      /no reply where one was due/,
    ],
    ['an answer to what was not asked', (handle) => extendedChunk(handle + 1n, Chunk.none, bytes()), /not in flight/],
    [
      'a chunk of 2^63 bytes',
      (handle) => extendedChunk(handle, Chunk.blockStatusExtended, bytes(), { length: 2n ** 63n }),
      /chunk of type 6 with 9\d{18} bytes/,
    ],
    ['no stretch', (handle) => extendedChunk(handle, Chunk.blockStatusExtended, states(0)), /chunk of type 6 with 8/],
    [
      'fewer stretches than it says',
      (handle) => extendedChunk(handle, Chunk.blockStatusExtended, states(2, [512, 0])),
      /status of 2 extents in 24 bytes/,
    ],
    [
      'a stretch of nothing',
      (handle) => extendedChunk(handle, Chunk.blockStatusExtended, states(1, [0, 0])),
      /not asked for/,
    ],
    [
      'another context',
      (handle) => extendedChunk(handle, Chunk.blockStatusExtended, bytes([4, 1], [4, 1], [8, 512], [8, 0])),
      /not asked for/,
    ],
  ])('a server with extended headers that answers with %s is left', async (_, reply, problem) => {
    const node = await open(async (peer) => {
      await peer.negotiate({ extended: true });
      peer.socket.write(reply((await peer.request(true)).handle));
    });
    await expect(node.instance?.blockStatus?.(0, 4096)).rejects.toMatchObject({ code: 'EIO' });
    expect(small.warnings[0]).toMatch(problem);
  });

  it('asks for more than 4 GiB at a time where headers are extended, and takes as much for an answer', async () => {
    const size = 2 ** 45;
    const asked: (readonly [number, number, number, number])[] = [];
    const node = await open(async (peer) => {
      await peer.negotiate({ extended: true, size });
      for (;;) {
        const { type, flags, offset, length, handle } = await peer.request(true);
        asked.push([type, flags, offset, length]);
        if (type === Command.write) await peer.read(length);
        const status = type === Command.blockStatus;
        const payload = status ? states(0, [2 ** 44, 3], [512, 0]) : bytes();
        peer.socket.write(extendedChunk(handle, status ? Chunk.blockStatusExtended : Chunk.none, payload));
      }
    });
    await node.requests.discard(0, size);
    await node.requests.writeZeroes(2 ** 40, 2 ** 40, RequestFlag.mayUnmap);
    await node.requests.write(2 ** 44, Buffer.alloc(1024, 1), RequestFlag.fua);
    expect(await node.instance?.blockStatus?.(2 ** 41, size - 2 ** 41)).toMatchObject({ length: 2 ** 44, data: false });
    expect(asked).toEqual([
      [Command.trim, 0, 0, size],
      [Command.writeZeroes, 0, 2 ** 40, 2 ** 40],
      [Command.write, CommandFlag.fua | CommandFlag.payloadLength, 2 ** 44, 1024],
      [Command.blockStatus, CommandFlag.requestOne, 2 ** 41, size - 2 ** 41],
    ]);
  });

  it('memory that a reply leaves out shows nothing of its past', async () => {
    const node = await answering(({ socket }, handle) => {
      socket.write(chunk(handle, Chunk.offsetData, bytes([8, 0], Buffer.alloc(256, 1)), { done: false }));
      socket.write(chunk(handle, Chunk.offsetData, bytes([8, 0], Buffer.alloc(256, 2))));
    });
    expect(await readAt(node, 0, 512)).toEqual(Buffer.concat([Buffer.alloc(256, 2), Buffer.alloc(256)]));
  });
});
