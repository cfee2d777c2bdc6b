import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ftp, ftps } from '../../../../../runtime/block/drivers/ftp/driver.js';
import type { BlockNode } from '../../../../../runtime/block/graph/node.js';
import { systemClock } from '../../../../../runtime/block/system-clock.js';
import { failureOf, readAt, SmallGraph } from '../small-graph.js';
import { FtpServer } from './ftp-server.js';

const KiB = 1024;
/** Not a whole number of blocks, and different everywhere. */
const bytes = new Uint8Array(2048 * KiB + 777).map((_, index) => (index * 31 + (index >> 8) * 7) & 0xff);
const partOf = (offset: number, length: number) => Buffer.from(bytes.subarray(offset, offset + length));

let server: FtpServer;
let small: SmallGraph;
beforeEach(async () => {
  server = new FtpServer(bytes);
  await server.listen();
  small = new SmallGraph(ftp, ftps);
  Object.assign(small.host, { clock: systemClock });
});

afterEach(async () => {
  await small.graph.close();
  await server.close();
});

function open(options: object = {}): Promise<BlockNode> {
  const filename = 'filename' in options ? options.filename : server.url();
  return small.add({ driver: 'ftp', 'node-name': 'n', 'read-only': true, ...options, filename });
}

const transfers = (): string[] => server.commands.filter((command) => /^(REST [1-9]|RETR)/.test(command));

describe('ftp', () => {
  it('reads the file from where it is asked for, and goes on with a transfer that is there', async () => {
    const node = await open({ readahead: 64 * KiB });
    expect(node.length).toBe(bytes.length);
    for (let at = 0; at < 1024 * KiB; at += 100_000)
      expect(await readAt(node, at, 100_000)).toEqual(partOf(at, 100_000));
    expect(transfers()).toEqual(['RETR disk']);
    const end = bytes.length - 1000;
    expect(await readAt(node, end, 1000)).toEqual(partOf(end, 1000));
    expect(await readAt(node, 1500 * KiB, 5000)).toEqual(partOf(1500 * KiB, 5000));
    expect(transfers().slice(1)).toEqual([`REST ${31 * 64 * KiB}`, 'RETR disk', `REST ${23 * 64 * KiB}`, 'RETR disk']);
  });

  it('answers requests that come at the same time, at any places', async () => {
    const node = await open({ readahead: 4 * KiB });
    const places = Array.from({ length: 30 }, (_, index) => (index * 7919 * 64) % (bytes.length - 5000));
    const parts = await Promise.all(places.map((place) => readAt(node, place, 5000)));
    expect(parts).toEqual(places.map((place) => partOf(place, 5000)));
  });

  it('logs in as the URL or the options say, and anonymously without them', async () => {
    server.password = 'me:a b';
    const url = server.url().replace('://', '://me:a%20b@');
    await open({ filename: url });
    await small.graph.close();
    small = new SmallGraph(ftp, ftps);
    Object.assign(small.host, { clock: systemClock });
    expect(await failureOf(open())).toMatch(/EACCES.*530|530.*EACCES/s);
    expect(server.commands).toContain('USER anonymous');
  });

  it('connects again when the server has dropped an idle connection', async () => {
    const node = await open();
    await readAt(node, 0, 10);
    server.drop();
    expect(await readAt(node, 1000 * KiB, 10)).toEqual(partOf(1000 * KiB, 10));
    server.bytes = bytes.subarray(1);
    server.drop();
    expect(await failureOf(readAt(node, 1800 * KiB, 10))).toContain('the file has changed');
  });

  it('a transfer that ends early is tried once more, and fails then', async () => {
    const node = await open();
    server.cutAfter = 1000;
    expect(await failureOf(readAt(node, 0, 10))).toContain('the server has ended the transfer too early');
    server.cutAfter = Number.POSITIVE_INFINITY;
    expect(await readAt(node, 0, 10)).toEqual(partOf(0, 10));
  });

  it('a server that says nothing is given up in time', async () => {
    const node = await open({ timeout: 1 });
    server.onCommand = (command) => command.startsWith('RETR');
    expect(await failureOf(readAt(node, 0, 10))).toMatch(/ETIMEDOUT|imeout/);
  }, 20_000);

  it.each<[string, object, string]>([
    ['a file that is not there', { filename: '/nope' }, 'ENOENT'],
    ['a line break in the path', { filename: '/a%0d%0aDELE%20disk' }, 'has a line break in it'],
    ['another URL', { filename: 'http://x/y' }, "opens URLs of 'ftp://'"],
    ['a node to be written', { 'read-only': false }, 'cannot write'],
    ['an odd readahead', { readahead: 1000 }, 'must be a multiple of 512'],
  ])('refuses %s', async (_what, options, message) => {
    const { filename } = options as { filename?: string };
    const url = filename?.startsWith('/') ? { filename: server.url(filename) } : {};
    expect(await failureOf(open({ ...options, ...url }))).toContain(message);
    expect(server.commands.some((command) => command.startsWith('DELE'))).toBe(false);
  });

  it('a server that cannot begin anywhere in a file is refused when the node is opened', async () => {
    server.onCommand = (command, answer) => {
      if (command.startsWith('REST')) answer('502 not here');
      return command.startsWith('REST');
    };
    expect(await failureOf(open())).toContain("the server cannot send parts of a file ('REST')");
  });
});

describe('ftps', () => {
  it('reads an encrypted file, from a server with a certificate that is not to be looked at only', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-ftps-'));
    const [key, cert] = [join(folder, 'key'), join(folder, 'cert')] as const;
    const subject = ['-subj', '/CN=localhost', '-days', '2'];
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, ...subject],
      {
        stdio: 'ignore',
      },
    );
    const encrypted = new FtpServer(bytes, { key: readFileSync(key), cert: readFileSync(cert) });
    await encrypted.listen();
    rmSync(folder, { recursive: true });
    const options = { driver: 'ftps', filename: encrypted.url() };
    expect(await failureOf(open(options))).toMatch(/self.signed/);
    const node = await open({ ...options, sslverify: false });
    expect(await readAt(node, 600 * KiB, 300 * KiB)).toEqual(partOf(600 * KiB, 300 * KiB));
    expect(await readAt(node, 10, 100)).toEqual(partOf(10, 100));
    await small.graph.close();
    await encrypted.close();
  }, 30_000);
});
