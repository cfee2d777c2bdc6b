import { type ChildProcess, execFile } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { LayerClient } from '../runtime/block/layer-client.js';
import { makeCertificates } from './certificates.js';
import { describeWithPrograms } from './programs.js';
import { endChild, startUnixServer } from './unix-server.js';

const MiB = 1 << 20;
const folder = mkdtempSync(join(tmpdir(), 'nbd-tls-'));
const at = (name: string): string => join(folder, name);
const run = promisify(execFile);

/** What a program writes, whether it succeeds or not. */
async function output(program: string, ...args: string[]): Promise<string> {
  const ended = await run(program, args, { cwd: folder }).catch((error: { stdout: string; stderr: string }) => error);
  return ended.stdout + ended.stderr;
}

/** Starts a server of QEMU's for the time of a test. */
async function qemuNbd(...args: string[]): Promise<ChildProcess> {
  rmSync(at('real'), { force: true });
  const command = ['qemu-nbd', '-t', '-e', '5', '-f', 'raw', '-k', at('real'), ...args, at('disk.raw')];
  return startUnixServer(at('real'), command, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
}

const x509 = (endpoint: 'client' | 'server', more = {}): object => ({
  'qom-type': 'tls-creds-x509',
  id: 'tls',
  endpoint,
  dir: at('pki'),
  ...more,
});
const psk = (endpoint: 'client' | 'server', more = {}): object => ({
  'qom-type': 'tls-creds-psk',
  id: 'tls',
  endpoint,
  dir: at('psk'),
  ...more,
});

let client: LayerClient;

/** Serves a disk by the credentials of an object. */
async function serve(credentials: object, more: object = {}, others: readonly object[] = []): Promise<void> {
  for (const object of [credentials, ...others]) await client.execute('object-add', object);
  await client.execute('blockdev-add', {
    options: { driver: 'raw', 'node-name': 'd', file: { driver: 'file', filename: at('disk.raw') } },
  });
  await client.execute('nbd-server-start', {
    addr: { type: 'unix', data: { path: at('ours') } },
    'tls-creds': 'tls',
    ...more,
  });
  await client.execute('nbd-server-add', { device: 'd', writable: true });
}

const image = (socket: string, more = ',tls-creds=t,tls-hostname=localhost'): string =>
  `driver=nbd,server.type=unix,server.path=${at(socket)},export=d${more}`;
const clientX509 = (dir = 'pki'): string => `tls-creds-x509,id=t,endpoint=client,dir=${at(dir)}`;
const clientPsk = `tls-creds-psk,id=t,endpoint=client,dir=${at('psk')}`;

/** Reads and writes a disk of a real server by a node of ours, in many requests at a time. */
async function useReal(options: object): Promise<void> {
  const server = { type: 'unix', path: at('real') };
  await client.execute('blockdev-add', {
    options: { driver: 'nbd', 'node-name': 'n', server, export: 'd', ...options },
  });
  const { requests } = client.layer.graph.namedNode('n');
  const data = Buffer.from(Array.from({ length: 2 * MiB }, (_, index) => (index * 7 + (index >> 12)) % 256));
  await Promise.all(
    Array.from({ length: 32 }, (_, i) => requests.write(i * 65_536, data.subarray(i * 65_536, (i + 1) * 65_536))),
  );
  await requests.flush();
  const back = Buffer.alloc(2 * MiB);
  await requests.read(0, back);
  expect(back.equals(data)).toBe(true);
}

describeWithPrograms('NBD with TLS', ['qemu-nbd', 'qemu-img', 'qemu-io', 'nbdinfo', 'nbdkit', 'openssl'], () => {
  beforeAll(() => {
    mkdirSync(at('pki'));
    makeCertificates(at('pki'));
    mkdirSync(at('authority'));
    copyFileSync(at('pki/ca-cert.pem'), at('authority/ca-cert.pem'));
    mkdirSync(at('psk'));
    writeFileSync(at('psk/keys.psk'), 'alice:00ff00ff00ff00ff\nqemu:0102030405060708090a0b0c0d0e0f10\n');
    mkdirSync(at('other-psk'));
    writeFileSync(at('other-psk/keys.psk'), 'qemu:1111030405060708090a0b0c0d0e0f10\n');
  });
  beforeEach(() => {
    client = new LayerClient();
    writeFileSync(at('disk.raw'), Buffer.alloc(8 * MiB));
    rmSync(at('ours'), { force: true });
    onTestFinished(() => client.layer.close());
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('serves qemu-io and qemu-img by certificates, and lets none in whose certificate the authority has not signed', async () => {
    await serve(x509('server'));
    const wrote = await output(
      'qemu-io',
      '--object',
      clientX509(),
      '--image-opts',
      image('ours'),
      '-c',
      'write -P 7 1M 5M',
      '-c',
      'flush',
      '-c',
      'read -P 7 1M 5M',
      '-c',
      'read -P 0 0 1M',
    );
    expect(wrote).toContain('wrote 5242880/5242880');
    expect(wrote).not.toContain('Pattern verification failed');
    expect(
      await output('qemu-img', 'info', '--object', clientX509('authority'), '--image-opts', image('ours')),
    ).toMatch(/TLS (channel|output)|Unable to/);
    expect(
      await output(
        'qemu-img',
        'info',
        '--object',
        clientX509(),
        '--image-opts',
        image('ours', ',tls-creds=t,tls-hostname=other'),
      ),
    ).toContain('Certificate does not match the hostname other');
  });

  it('refuses everything before TLS in the words of QEMU, and ends a connection that chooses an export', async () => {
    await serve(psk('server'));
    expect(await output('qemu-img', 'info', '--image-opts', image('ours', ''))).toContain(
      'server reported: Option 0x7 not permitted before TLS',
    );
    expect(await output('nbdinfo', '--list', `nbd+unix:///?socket=${at('ours')}`)).toContain('error to list request');
    const socket = createConnection(at('ours'));
    const option = Buffer.alloc(4 + 16 + 1);
    option.writeUInt32BE(3, 0);
    option.write('IHAVEOPT', 4);
    option.writeUInt32BE(1, 12);
    option.writeUInt32BE(1, 16);
    option.write('d', 20);
    socket.write(option);
    await once(socket.resume(), 'close');
  });

  it('serves by shared keys those who have them, also after the object is deleted', async () => {
    await serve(psk('server'));
    await client.execute('object-del', { id: 'tls' });
    const uri = (user: string, dir: string) =>
      `nbds+unix://${user}@/d?socket=${at('ours')}&tls-psk-file=${at(dir)}/keys.psk`;
    expect(await output('nbdinfo', uri('qemu', 'psk'))).toContain('newstyle-fixed with TLS, using structured packets');
    expect(await output('nbdinfo', uri('alice', 'psk'))).toContain('export-size: 8388608');
    expect(await output('nbdinfo', uri('qemu', 'other-psk'))).not.toContain('export-size');
    expect(
      await output('qemu-img', 'info', '--object', clientPsk, '--image-opts', image('ours', ',tls-creds=t')),
    ).toContain('virtual size: 8 MiB');
  });

  it.each([
    ['the one identity', { 'qom-type': 'authz-simple', identity: 'CN=client' }, true],
    ['another identity', { 'qom-type': 'authz-simple', identity: 'CN=clien' }, false],
    ['a pattern', { 'qom-type': 'authz-list', rules: [{ match: 'CN=cl*', policy: 'allow', format: 'glob' }] }, true],
    [
      'a list that denies first',
      { 'qom-type': 'authz-list', policy: 'allow', rules: [{ match: 'CN=client', policy: 'deny' }] },
      false,
    ],
    ['a list without rules', { 'qom-type': 'authz-list' }, false],
    ['no object', undefined, false],
  ])('lets in by tls-authz as %s says', async (_, object, allowed) => {
    const others = object === undefined ? [] : [{ id: 'authz', ...object }];
    await serve(x509('server'), { 'tls-authz': 'authz' }, others);
    const info = await output('qemu-img', 'info', '--object', clientX509(), '--image-opts', image('ours'));
    expect(info.includes('virtual size')).toBe(allowed);
  });

  it('uses a server of QEMU by certificates and by shared keys', async () => {
    const child = await qemuNbd(
      '-x',
      'd',
      '--object',
      `tls-creds-x509,id=tls,endpoint=server,dir=${at('pki')}`,
      '--tls-creds',
      'tls',
    );
    await client.execute('object-add', x509('client'));
    await useReal({ 'tls-creds': 'tls', 'tls-hostname': 'localhost' });
    await client.execute('blockdev-del', { 'node-name': 'n' });
    await endChild(child);
    await qemuNbd('-x', 'd', '--object', `tls-creds-psk,id=tls,endpoint=server,dir=${at('psk')}`, '--tls-creds', 'tls');
    await client.execute('object-add', psk('client', { id: 'key' }));
    await useReal({ 'tls-creds': 'key' });
  });

  it('uses nbdkit by certificates and by shared keys', async () => {
    for (const [credentials, options, args] of [
      [
        x509('client'),
        { 'tls-creds': 'tls', 'tls-hostname': 'localhost' },
        [`--tls-certificates=${at('pki')}`, '--tls-verify-peer'],
      ],
      [psk('client', { id: 'key' }), { 'tls-creds': 'key' }, [`--tls-psk=${at('psk/keys.psk')}`]],
    ] as const) {
      rmSync(at('real'), { force: true });
      const command = ['nbdkit', '-f', '-U', at('real'), '--tls=require', ...args, 'file', at('disk.raw')];
      const child = await startUnixServer(at('real'), command, { stdio: 'ignore' });
      await client.execute('object-add', credentials);
      await useReal(options);
      await client.execute('blockdev-del', { 'node-name': 'n' });
      await endChild(child);
    }
  });

  it('does not use a server of QEMU that is another one, shows nothing, or wants what is not there', async () => {
    const server = { type: 'unix', path: at('real') };
    const add = (options: object) =>
      client.execute('blockdev-add', { options: { driver: 'nbd', 'node-name': 'n', server, export: 'd', ...options } });
    await qemuNbd(
      '-x',
      'd',
      '--object',
      `tls-creds-x509,id=tls,endpoint=server,dir=${at('pki')}`,
      '--tls-creds',
      'tls',
    );
    await client.execute('object-add', x509('client'));
    await client.execute('object-add', x509('client', { id: 'bare', dir: at('authority') }));
    await client.execute('object-add', { 'qom-type': 'secret', id: 'secret', data: 'x' });
    await client.execute('object-add', x509('server', { id: 'server' }));
    await expect(add({})).rejects.toThrow('TLS negotiation required before option 7 (go)');
    await expect(add({ 'tls-creds': 'tls' })).rejects.toThrow('No hostname for certificate validation');
    await expect(add({ 'tls-creds': 'tls', 'tls-hostname': 'other' })).rejects.toThrow(
      'Certificate does not match the hostname other',
    );
    await expect(add({ 'tls-creds': 'bare', 'tls-hostname': 'localhost' })).rejects.toThrow(at('real'));
    await expect(add({ 'tls-creds': 'nope' })).rejects.toThrow("No TLS credentials with id 'nope'");
    await expect(add({ 'tls-creds': 'secret' })).rejects.toThrow("Object with id 'secret' is not TLS credentials");
    await expect(add({ 'tls-creds': 'server' })).rejects.toThrow('Expected TLS credentials for a client endpoint');
  });

  it('tells a server without TLS from one with it', async () => {
    await qemuNbd('-x', 'd');
    await client.execute('object-add', psk('client'));
    const server = { type: 'unix', path: at('real') };
    await expect(
      client.execute('blockdev-add', {
        options: { driver: 'nbd', 'node-name': 'n', server, export: 'd', 'tls-creds': 'tls' },
      }),
    ).rejects.toThrow('Denied by server for option 5 (starttls)');
  });
});
