import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { http, https } from '../../runtime/block/drivers/http/driver.js';
import { FileServer } from '../runtime/block/drivers/http/file-server.js';
import { readAt, SmallGraph } from '../runtime/block/drivers/small-graph.js';
import { describeWithPrograms } from './programs.js';

describeWithPrograms('https', ['openssl'], () => {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-https-'));
  const bytes = new Uint8Array(100_000).map((_, index) => index % 251);
  let server: FileServer;
  const small = new SmallGraph(http, https);

  beforeAll(async () => {
    const [key, certificate] = ['key.pem', 'certificate.pem'].map((name) => join(folder, name));
    if (key === undefined || certificate === undefined) throw new Error('two files');
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=other'];
    execFileSync('openssl', [...request, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
    const pair = { key: readFileSync(key), cert: readFileSync(certificate) };
    server = new FileServer(bytes, (listener) => createServer(pair, listener));
    await server.listen();
  });
  afterAll(async () => {
    await small.graph.close();
    await server.close();
    rmSync(folder, { recursive: true });
  });

  it('refuses a server whose certificate no authority has signed', async () => {
    const opening = small.add({ driver: 'https', 'node-name': 'n', filename: server.url(), 'read-only': true });
    await expect(opening).rejects.toThrow(/certificate/);
  });

  it('reads from such a server with sslverify=off, and shows that in the file name', async () => {
    const options = { driver: 'https', filename: server.url(), 'read-only': true, sslverify: 'off' };
    const node = await small.add({ ...options, 'node-name': 'n' });
    expect(await readAt(node, 500, 1000)).toEqual(Buffer.from(bytes.subarray(500, 1500)));
    expect(JSON.parse(node.filename.replace('json:', ''))).toEqual({
      driver: 'https',
      filename: server.url(),
      sslverify: false,
    });
  });
});
