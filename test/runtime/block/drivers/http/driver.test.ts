import type { ServerResponse } from 'node:http';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { http, https } from '../../../../../runtime/block/drivers/http/driver.js';
import type { BlockNode } from '../../../../../runtime/block/graph/node.js';
import { outcomeOf, readAt, SmallGraph } from '../small-graph.js';
import { FileServer } from './file-server.js';

const KiB = 1024;
const block = 256 * KiB;
/** Not a whole number of blocks, and different everywhere. */
const bytes = new Uint8Array(1024 * KiB + 777).map((_, index) => (index * 31 + (index >> 8) * 7) & 0xff);

let server: FileServer;
let small: SmallGraph;
beforeEach(async () => {
  server = new FileServer(bytes);
  await server.listen();
  small = new SmallGraph(http, https);
});
afterEach(async () => {
  await small.graph.close();
  await server.close();
});

function open(options: object = {}): Promise<BlockNode> {
  const filename = 'filename' in options ? options.filename : server.url();
  return small.add({ driver: 'http', 'node-name': 'n', 'read-only': true, ...options, filename });
}

/** Opens, and from then on answers every request like this. */
async function openThen(answer: (response: ServerResponse) => void, options: object = {}): Promise<BlockNode> {
  const node = await open(options);
  server.onRequest = (_, response) => {
    answer(response);
    return true;
  };
  return node;
}

const partOf = (offset: number, length: number) => Buffer.from(bytes.subarray(offset, offset + length));

describe('http', () => {
  it('reads the file in parts, and asks for its length first', async () => {
    const node = await open();
    expect(node.length).toBe(bytes.length);
    expect(await readAt(node, 1000, 5000)).toEqual(partOf(1000, 5000));
    expect(server.requests).toEqual(['HEAD', `GET bytes=0-${block - 1}`]);
    expect(server.headers.map((headers) => headers['accept-encoding'])).toEqual(['identity', 'identity']);
  });

  it('keeps what it has read, and reads the rest of the file', async () => {
    const node = await open();
    await readAt(node, block - 10, 20);
    await readAt(node, 0, 2 * block);
    expect(server.requests).toHaveLength(3);
    const end = bytes.length - 100;
    expect(await readAt(node, end, 100)).toEqual(partOf(end, 100));
    expect(server.requests.at(-1)).toBe(`GET bytes=${4 * block}-${bytes.length - 1}`);
  });

  it('loads a block once when several requests want it at the same time', async () => {
    const node = await open();
    const reads = Array.from({ length: 20 }, (_, index) => readAt(node, index * 100, 100));
    expect(await Promise.all(reads)).toEqual(reads.map((_, index) => partOf(index * 100, 100)));
    expect(server.requests).toHaveLength(2);
  });

  it('does not ask for everything at once', async () => {
    const node = await open({ readahead: 4 * KiB });
    await Promise.all(Array.from({ length: 100 }, (_, index) => readAt(node, index * 8 * KiB, 10)));
    expect(server.requests).toHaveLength(101);
    expect(server.busiest).toBeLessThanOrEqual(8);
  });

  it('joins small blocks that follow each other into one request', async () => {
    const node = await open({ readahead: 0 });
    await readAt(node, 8 * KiB, 10);
    expect(await readAt(node, 0, 64 * KiB)).toEqual(partOf(0, 64 * KiB));
    expect(server.requests.slice(1)).toEqual([
      'GET bytes=8192-12287',
      'GET bytes=0-8191',
      `GET bytes=12288-${64 * KiB - 1}`,
    ]);
  });

  it('forgets blocks that were not used for long', async () => {
    const node = await open({ readahead: 2 * 1024 * KiB });
    server.bytes = new Uint8Array(0);
    await expect(readAt(node, 0, 10)).rejects.toThrow(/changed/);
    const large = new FileServer(new Uint8Array(10 * 2048 * KiB));
    await large.listen();
    const other = await small.add({
      driver: 'http',
      'node-name': 'large',
      filename: large.url(),
      'read-only': true,
      readahead: 2048 * KiB,
    });
    for (const index of [0, 1, 2, 3, 0, 4, 0, 1]) await readAt(other, index * 2048 * KiB, 1);
    // Four are kept. The first was used again before the fifth came, the second was not.
    expect(large.requests.slice(1).map((request) => Number(/=(\d+)/.exec(request)?.[1]) / 2048 / KiB)).toEqual([
      0, 1, 2, 3, 4, 1,
    ]);
    await large.close();
  });

  it('reads the contents of the file, wherever and however much at a time', async () => {
    const node = await open({ readahead: 8 * KiB, timeout: 0 });
    const ranges = fc.array(fc.tuple(fc.nat(bytes.length), fc.nat(100 * KiB)), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(ranges, async (list) => {
        const wanted = list.map(([offset, length]): [number, number] => [
          offset,
          Math.min(length, bytes.length - offset),
        ]);
        const read = await Promise.all(wanted.map(([offset, length]) => readAt(node, offset, length)));
        for (const [index, [offset, length]] of wanted.entries()) {
          expect(Buffer.compare(read[index] ?? Buffer.of(), partOf(offset, length))).toBe(0);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('refuses to write', async () => {
    await expect(open({ 'read-only': false })).rejects.toMatchObject({ code: 'EROFS' });
    expect(await outcomeOf((await open()).requests.write(0, Buffer.alloc(1)))).toBe('EPERM');
  });

  it('shows the URL as file name unless other options decide what is read', async () => {
    expect((await open({ readahead: 512, timeout: 9 })).filename).toBe(server.url());
    const named = await small.graph.open({ filename: server.url(), role: 'protocol', flags: readOnly });
    expect(named.filename).toBe(server.url());
    const other = await open({ 'node-name': 'o', cookie: 'a=b' });
    expect(JSON.parse(other.filename.replace('json:', ''))).toEqual({
      driver: 'http',
      filename: server.url(),
      cookie: 'a=b',
    });
    const byUrl = await open({ 'node-name': 'p', filename: undefined, url: server.url(), username: 'me' });
    expect(JSON.parse(byUrl.filename.replace('json:', ''))).toEqual({
      driver: 'http',
      url: server.url(),
      username: 'me',
    });
  });

  it('asks for permission for each URL, also of redirections', async () => {
    server.onRequest = (request, response) => {
      if (request.url !== '/moved') return false;
      response.writeHead(302, { location: '/disk/here' }).end();
      return true;
    };
    await open({ filename: server.url('/moved') });
    expect(small.authorized).toEqual([server.url('/moved'), server.url('/disk/here')]);
  });
});

const readOnly = {
  readOnly: true,
  direct: false,
  noFlush: false,
  unmap: false,
  noBacking: false,
  noIo: false,
  forceShare: false,
  dormant: false,
} as const;

describe('what http sends along', () => {
  const sent = () => server.headers.map(({ cookie, authorization }) => cookie ?? authorization);

  it('sends a cookie, also one from a secret', async () => {
    await open({ cookie: 'user=me; key=x' });
    small.secrets.set('jar', Buffer.from('key=hidden'));
    await open({ 'node-name': 'm', 'cookie-secret': 'jar' });
    expect(sent()).toEqual(['user=me; key=x', 'key=hidden']);
    expect(small.graph.node('m')?.filename).not.toContain('hidden');
  });

  it('sends a user and a password, from options or the URL', async () => {
    small.secrets.set('pw', Buffer.from('secret'));
    await open({ username: 'me', 'password-secret': 'pw' });
    await open({ 'node-name': 'm', filename: server.url().replace('//', '//y%6fu:p%40ss@') });
    expect(sent()).toEqual(['me:secret', 'you:p@ss'].map((text) => `Basic ${Buffer.from(text).toString('base64')}`));
  });

  it.each([
    [{ cookie: 'a', 'cookie-secret': 'b' }, /together/],
    [{ cookie: 'a\r\nx-evil: 1' }, /header/],
    [{ cookie: '\u20ac' }, /header/],
    [{ 'cookie-secret': 'missing' }, /No secret/],
    [{ readahead: 1000 }, /multiple of 512/],
    [{ readahead: '1G' }, /readahead/],
    [{ timeout: -1 }, /timeout/],
    [{ timeout: 10001 }, /timeout/],
    [{ filename: 'http://[' }, /not a URL/],
    [{ filename: 'https://127.0.0.1/' }, /opens URLs of 'http:/],
    [{ filename: 'nonsense' }, /opens URLs of 'http:/],
    [{ filename: 'http://%zz@127.0.0.1/' }, /percent/],
    [{ filename: undefined }, /'filename'/],
    [{ url: 'http://127.0.0.1/' }, /mean the same/],
    [{ 'proxy-username': 'me' }, /proxy-username/],
  ])('refuses the options %j', async (options, message) => {
    await expect(open(options)).rejects.toThrow(message);
  });

  it.each(['http:x', 'http:/x', 'http:///x', 'http:\\\\x', 'http://\\x', 'http:', 'http://', 'ht\ntp://x'])(
    'does not make another URL of %j',
    async (filename) => {
      await expect(open({ filename })).rejects.toThrow("opens URLs of 'http://' and a server, which ");
    },
  );
});

describe('servers', () => {
  it('reads from a server that does not answer HEAD', async () => {
    server.onRequest = (request, response) => {
      if (request.method === 'HEAD') response.writeHead(405).end();
      return request.method === 'HEAD';
    };
    expect((await open()).length).toBe(bytes.length);
    expect(server.requests).toEqual(['HEAD', 'GET bytes=0-0']);
  });

  it('reads from a server that does not announce ranges in its reply to HEAD', async () => {
    server.onRequest = (request, response) => {
      if (request.method === 'HEAD') response.writeHead(200).end();
      return request.method === 'HEAD';
    };
    expect((await open()).length).toBe(bytes.length);
  });

  it('opens an empty file', async () => {
    server.bytes = new Uint8Array(0);
    expect((await open()).length).toBe(0);
    server.onRequest = (request, response) => {
      if (request.method === 'HEAD') response.writeHead(403).end();
      return request.method === 'HEAD';
    };
    expect((await open({ 'node-name': 'm' })).length).toBe(0);
  });

  it('follows redirections, each time', async () => {
    server.onRequest = (request, response) => {
      if (request.url !== '/moved') return false;
      response.writeHead(307, { location: '/disk' }).end();
      return true;
    };
    const node = await open({ filename: server.url('/moved') });
    expect(await readAt(node, 300, 10)).toEqual(partOf(300, 10));
  });

  it('repeats a request when the server has closed an idle connection', async () => {
    const node = await open();
    let closed = 0;
    server.onRequest = (request) => {
      if (closed++ === 0) request.socket.destroy();
      return closed === 1;
    };
    expect(await readAt(node, 0, 10)).toEqual(partOf(0, 10));
    expect(closed).toBe(2);
  });

  it.each([
    [404, 'ENOENT', /404/],
    [410, 'ENOENT', /410/],
    [401, 'EACCES', /401/],
    [403, 'EACCES', /403/],
    [500, 'EIO', /500/],
  ])('refuses to open a file when the server answers %i', async (status, code, message) => {
    server.onRequest = (_, response) => {
      response.writeHead(status).end('sorry');
      return true;
    };
    await expect(open()).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect([...small.graph.nodes]).toEqual([]);
  });

  it('refuses a server that cannot send parts of a file', async () => {
    server.onRequest = (request, response) => {
      response.writeHead(200, { 'content-length': bytes.length }).end(request.method === 'HEAD' ? undefined : bytes);
      return true;
    };
    await expect(open()).rejects.toMatchObject({ code: 'ENOTSUP', message: expect.stringMatching(/parts/) });
  });

  it('refuses a length that is impossible', async () => {
    server.onRequest = (_, response) => {
      response.writeHead(206, { 'content-range': 'bytes 0-0/*' }).end('x');
      return true;
    };
    await expect(open()).rejects.toThrow(/length/);
    server.onRequest = (_, response) => {
      response.writeHead(206, { 'content-range': 'bytes 0-0/99999999999999999999' }).end('x');
      return true;
    };
    await expect(open()).rejects.toMatchObject({ code: 'EFBIG' });
  });

  it('reports a server or a file that is not there', async () => {
    const url = server.url();
    await server.close();
    await expect(open({ filename: url })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await server.listen();
    await expect(open({ filename: 'http://nowhere.invalid/' })).rejects.toMatchObject({ code: 'EIO' });
  });

  const range = { 'content-range': `bytes 0-${block - 1}/${bytes.length}` };
  it.each<[string, RegExp, (response: ServerResponse) => void]>([
    ['another range', /sends 'bytes 1-/, (r) => r.writeHead(206, { 'content-range': `bytes 1-${block}/*` }).end()],
    ['no range', /the whole file/, (r) => r.writeHead(206).end()],
    ['everything', /the whole file/, (r) => r.writeHead(200).end(bytes)],
    ['a file of another length', /changed/, (r) => r.writeHead(206, { 'content-range': 'bytes 0-9/10' }).end()],
    ['a file that has become short', /changed/, (r) => r.writeHead(416).end()],
    ['an error', /503/, (r) => r.writeHead(503).end()],
    ['nothing any more', /404/, (r) => r.writeHead(404).end()],
    ['too little', /sent 1000 of/, (r) => r.writeHead(206, range).end(bytes.subarray(0, 1000))],
    ['too much', /more than/, (r) => r.writeHead(206, range).end(bytes)],
    ['it compressed', /'gzip'/, (r) => r.writeHead(206, { ...range, 'content-encoding': 'gzip' }).end()],
    [
      'less than it has promised',
      /./,
      (r) => {
        r.writeHead(206, { ...range, 'content-length': block }).write(bytes.subarray(0, 1000));
        setImmediate(() => r.destroy());
      },
    ],
  ])('refuses a reply with %s', async (_, message, answer) => {
    const node = await openThen(answer);
    const error = await readAt(node, 0, 512).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'BlockError', message: expect.stringMatching(message) });
    server.onRequest = () => false;
    expect(await readAt(node, 0, 512)).toEqual(partOf(0, 512));
  });

  it('fails when the file has changed on the server', async () => {
    server.etag = '"one"';
    const node = await open();
    await readAt(node, 0, 512);
    server.etag = '"two"';
    await expect(readAt(node, block, 512)).rejects.toThrow(/changed/);
    server.etag = undefined;
    expect(await outcomeOf(readAt(node, block, 512))).toBe('ok');
  });

  it('fails when the server does not answer in time', async () => {
    const node = await openThen(() => {}, { timeout: 3 });
    const outcome = outcomeOf(readAt(node, 0, 512));
    await requestsToCome(2);
    await small.clock.advance(3e9);
    expect(await outcome).toBe('ETIMEDOUT');
  });

  it('fails when the server sends the beginning in time, but not all', async () => {
    const node = await openThen((response) => void response.writeHead(206, range).write(bytes.subarray(0, 1000)), {
      timeout: 3,
    });
    const outcome = outcomeOf(readAt(node, 0, 512));
    await requestsToCome(2);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await small.clock.advance(3e9);
    expect(await outcome).toBe('ETIMEDOUT');
  });

  it('aborts its requests when the node is closed', async () => {
    const node = await openThen(() => {}, { timeout: 0 });
    const outcomes = Array.from({ length: 10 }, (_, index) => outcomeOf(readAt(node, index * 100 * KiB, 512)));
    await requestsToCome(4);
    await node.instance?.close();
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['ECANCELED']));
  });

  async function requestsToCome(count: number): Promise<void> {
    while (server.requests.length < count) await new Promise((resolve) => setImmediate(resolve));
  }
});
