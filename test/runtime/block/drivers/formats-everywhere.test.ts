import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Child } from '../../../../runtime/block/driver.js';
import { createImage } from '../../../../runtime/block/graph/create.js';
import type { RootOwner } from '../../../../runtime/block/graph/node.js';
import { BlockOptions } from '../../../../runtime/block/options.js';
import { LayerClient } from '../layer-client.js';
import { FtpServer } from './ftp/ftp-server.js';
import { FileServer } from './http/file-server.js';
import { TftpServer } from './tftp/tftp-server.js';

const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-everywhere-'));
afterAll(() => rmSync(folder, { recursive: true }));
const owner: RootOwner = { name: '', drainBegin: async () => {}, drainEnd: () => {} };
const size = 2 ** 21;
const data = Buffer.alloc(300_000, 'what is written');
const formats = ['parallels', 'qcow', 'qcow2', 'qed', 'raw', 'vdi', 'vhdx', 'vmdk', 'vpc'] as const;

async function opened(client: LayerClient, options: object, action: (root: Child) => Promise<void>): Promise<void> {
  const { graph } = client.layer;
  const root = await graph.attachRoot(await graph.open({ options: BlockOptions.flatten(options) }), owner);
  try {
    await action(root);
  } finally {
    await graph.detachRoot(root);
  }
}

async function write(root: Child): Promise<void> {
  await root.write(100_000, data);
  await root.writeZeroes(150_000, 1024);
  await root.flush();
}

const expected = Buffer.from(data).fill(0, 50_000, 51_024);

async function expectWritten(root: Child): Promise<void> {
  const buffer = Buffer.alloc(data.length);
  await root.read(100_000, buffer);
  expect(buffer.equals(expected)).toBe(true);
  await root.read(1_000_000, buffer);
  expect(buffer.every((byte) => byte === 0)).toBe(true);
}

describe.each(formats)('an image in format %s', (format) => {
  const path = join(folder, `a.${format}`);
  const file = (filename: string) => ({ driver: 'file', filename });

  it('reads and writes through blkdebug, and reports what that makes fail', async () => {
    await using client = new LayerClient();
    await createImage(client.layer.graph, { format, filename: path, size });
    await opened(client, { driver: format, file: { driver: 'blkdebug', image: file(path) } }, async (root) => {
      await write(root);
      await expectWritten(root);
    });
    const fault = [{ event: 'flush_to_disk', errno: 28 }];
    const broken = { driver: 'blkdebug', image: file(path), 'inject-error': fault };
    await expect(opened(client, { driver: format, file: broken }, write)).rejects.toMatchObject({ code: 'ENOSPC' });
  });

  it('reads from the file that is left of the two that a quorum wrote', async () => {
    await using client = new LayerClient();
    const copies = [1, 2].map((index) => join(folder, `${index}.${format}`));
    await createImage(client.layer.graph, { format, filename: copies[0] ?? '', size });
    copyFileSync(copies[0] ?? '', copies[1] ?? '');
    const quorum = { driver: 'quorum', 'vote-threshold': 2, children: copies.map(file) };
    await opened(client, { driver: format, file: quorum }, write);
    expect(readFileSync(copies[0] ?? '').equals(readFileSync(copies[1] ?? ''))).toBe(true);
    await opened(client, { driver: format, file: file(copies[1] ?? ''), 'read-only': true }, expectWritten);
  });

  it('becomes the target of a backup that makes it', async () => {
    await using client = new LayerClient();
    const target = join(folder, `backup.${format}`);
    await client.execute('blockdev-add', {
      options: { driver: format, 'node-name': 'd', 'read-only': true, file: { driver: 'file', filename: path } },
    });
    await client.execute('drive-backup', { 'job-id': 'j', device: 'd', target, format, sync: 'full' });
    await expect.poll(() => client.events.some(({ name }) => name === 'BLOCK_JOB_COMPLETED')).toBe(true);
    await opened(client, { driver: format, file: file(target), 'read-only': true }, expectWritten);
  });

  it('reads from servers of HTTP, FTP and TFTP', async () => {
    await using client = new LayerClient();
    const bytes = readFileSync(path);
    const servers = [new FileServer(bytes), new FtpServer(bytes), new TftpServer(bytes)];
    try {
      for (const server of servers) {
        await server.listen();
        const filename = server.url();
        const options = { driver: format, 'read-only': true, file: { driver: filename.split(':')[0], filename } };
        await opened(client, options, expectWritten);
      }
    } finally {
      for (const server of servers) await server.close();
    }
  }, 60_000);
});
