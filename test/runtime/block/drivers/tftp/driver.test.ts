import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tftp } from '../../../../../runtime/block/drivers/tftp/driver.js';
import type { BlockNode } from '../../../../../runtime/block/graph/node.js';
import { systemClock } from '../../../../../runtime/block/system-clock.js';
import { randomFrom } from '../../random-from.js';
import { failureOf, readAt, SmallGraph } from '../small-graph.js';
import { TftpServer } from './tftp-server.js';

const bytes = new Uint8Array(300_000).map((_, index) => (index * 31 + (index >> 8) * 7) & 0xff);

let server: TftpServer;
let small: SmallGraph;
beforeEach(async () => {
  server = new TftpServer(bytes);
  await server.listen();
  small = new SmallGraph(tftp);
  Object.assign(small.host, { clock: systemClock });
});

afterEach(async () => {
  await small.graph.close();
  server.close();
});

function open(options: object = {}): Promise<BlockNode> {
  return small.add({ driver: 'tftp', 'node-name': 'n', 'read-only': true, filename: server.url(), ...options });
}

async function contents(node: BlockNode): Promise<Buffer> {
  return readAt(node, 0, node.length);
}

describe('tftp', () => {
  it.each(['known', 'unknown', 'refused'] as const)(
    'reads the whole file from a server to which options are %s',
    async (options) => {
      server.options = options;
      const node = await open();
      expect((await contents(node)).equals(bytes.subarray(0, node.length))).toBe(true);
      expect(node.length).toBe(bytes.length);
      expect(server.requests[0]).toEqual(['disk', 'tsize', '0', 'blksize', '1428', 'windowsize', '32']);
      expect(await readAt(node, 1000, 10)).toEqual(Buffer.from(bytes.subarray(1000, 1010)));
    },
  );

  it.each([0, 1, 512, 1428 * 32, 1428 * 64])(
    'reads a file of %i bytes, whose last block may be empty',
    async (length) => {
      server.bytes = bytes.subarray(0, length);
      const node = await open();
      expect(node.length).toBe(length);
      if (length > 0) expect((await contents(node)).equals(server.bytes)).toBe(true);
    },
  );

  it.each([1, 2, 3])(
    'reads the file over a network that loses, doubles and swaps packets (%i)',
    async (seed) => {
      const random = randomFrom(seed);
      server.bytes = bytes.subarray(0, 150_000);
      if (seed === 2) server.agrees = { windowsize: '1' };
      if (seed === 3) server.agrees = { blksize: '1000', windowsize: '7' };
      server.network = () => {
        const chance = random();
        return chance < 0.01 ? 'lost' : chance < 0.03 ? 'doubled' : chance < 0.05 ? 'late' : 'arrives';
      };
      const node = await open({ timeout: 30 });
      expect((await contents(node)).equals(server.bytes)).toBe(true);
    },
    60_000,
  );

  it('reads a file with more blocks than their numbers can count', async () => {
    server.agrees = { blksize: '8', windowsize: '32' };
    server.bytes = new Uint8Array(66_000 * 8 + 3).map((_, index) => (index * 7 + (index >> 9)) & 0xff);
    const node = await open();
    expect((await contents(node)).equals(server.bytes)).toBe(true);
  }, 60_000);

  it.each<[string, object, string]>([
    ['a file that is not there', { path: '/nope' }, 'ENOENT'],
    ['a URL without a file', { path: '/' }, 'names no file'],
    ['a node to be written', { 'read-only': false }, 'cannot write'],
    ['another URL', { filename: 'ftp://x/y' }, "opens URLs of 'tftp://'"],
  ])('refuses %s', async (_what, { path, ...options }: { path?: string }, message) => {
    expect(
      await failureOf(open({ ...(path === undefined ? {} : { filename: server.url(path) }), ...options })),
    ).toContain(message);
  });

  it.each<[string, { [name: string]: string }, string]>([
    [
      'blocks that are longer than what was asked for',
      { blksize: '60000' },
      "the server wants 'blksize' to be '60000'",
    ],
    ['windows of nothing', { windowsize: '0' }, "the server wants 'windowsize' to be '0'"],
    [
      'a size that is not that of the file',
      { tsize: '299999' },
      'the server has announced 299999 bytes, and sent 300000',
    ],
    ['a size that is too large', { tsize: '1073741825' }, 'EFBIG'],
  ])('a server that answers with %s is refused, and learns that it is', async (_what, agrees, message) => {
    server.agrees = agrees;
    expect(await failureOf(open())).toContain(message);
    await expect.poll(() => server.errors).toBe(1);
  });

  it('a server that does not answer is given up in time', async () => {
    server.network = () => 'lost';
    expect(await failureOf(open({ timeout: 1 }))).toContain('the server does not answer');
  }, 20_000);
});
