import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { connect } from '../../runtime/qmp/client.js';
import { qapiTs } from '../cli/command-line.js';
import { makeCertificates } from './certificates.js';
import { describeWithPrograms } from './programs.js';
import { has } from './release.js';
import { bundledProgram } from './serve-program.js';

/*
 * Command lines of qemu-storage-daemon, good and bad, given to it and to `qapi-ts serve`: both start, or both end with exit code 1 and
 * name the option and what is wrong with it.
 */

const folder = mkdtempSync(join(tmpdir(), 'daemon-options-'));
const at = (name: string): string => join(folder, name);
let program: Awaited<ReturnType<typeof bundledProgram>>;

const chardev = `--chardev socket,id=c,path=${at('c')},server=on,wait=off`;
const nbdServer = `--nbd-server addr.type=unix,addr.path=${at('n')}`;
const node = `--blockdev driver=file,node-name=f,filename=${at('disk')}`;
const psk = (endpoint: string): string => `--object tls-creds-psk,id=t,endpoint=${endpoint},dir=${folder}`;

/** Lines that start a server. */
const good: readonly string[] = [
  `${chardev} --monitor c`,
  `${chardev} --monitor chardev=c,mode=control,pretty=on,id=m`,
  `${chardev} --monitor {"chardev":"c","mode":"control"}`,
  `--chardev socket,id=c,host=127.0.0.1,port=0,server=on,wait=off --monitor c`,
  `--chardev socket,id=c,path=${at('c')},server,nowait --monitor c`,
  `--chardev socket,id=c,path=${at('none')},server=off,${has('reconnect-ms') ? 'reconnect-ms=1000' : 'reconnect=1'} --monitor c`,
  `--chardev null,id=c --monitor c`,
  '--chardev null,id=c',
  '--blockdev null-co,node-name=n',
  '--blockd null-co,node-name=n',
  '--obj secret,id=s,data=x',
  '--trace bogus_*',
  '-Tbogus_*',
  `--chardev ringbuf,id=c,size=64k --monitor c`,
  `--chardev file,id=c,path=${at('out')} --monitor c`,
  `--chardev pipe,id=c,path=${at('fifo')} --monitor c`,
  nbdServer,
  `--nbd-server {"addr":{"type":"unix","path":"${at('n')}"}}`,
  '--nbd-server addr.type=inet,addr.host=127.0.0.1,addr.port=0,max-connections=4',
  `${psk('server')} ${nbdServer},tls-creds=t`,
  `${psk('server')} --chardev socket,id=c,host=127.0.0.1,port=0,server=on,wait=off,tls-creds=t --monitor c`,
  `${node} ${nbdServer} --export type=nbd,id=e,node-name=f`,
  `${node} ${nbdServer} --export nbd,id=e,node-name=f,writable=on,name=x,description=y,allocation-depth=on`,
  `${node} ${nbdServer} --export {"type":"nbd","id":"e","node-name":"f"}`,
  `${node} ${nbdServer} --object iothread,id=x --export nbd,id=e,node-name=f,iothread=x`,
  `${nbdServer} --blockdev {"driver":"file","node-name":"f","filename":"${at('disk')}"}`,
  `${nbdServer} --object secret,id=s,data=x`,
];

/** Lines that both refuse, and what both say. */
const bad: readonly (readonly [line: string, said: string])[] = [
  [`${chardev} --monitor chardev=c,mode=readline`, 'Only QMP is supported'],
  [`${chardev} --monitor chardev=c,mode=foo`, 'mode'],
  [`${chardev} --monitor nope`, 'chardev "nope" not found'],
  [`${chardev} --monitor c --monitor c`, 'in use'],
  [`${chardev} --monitor mode=control`, 'chardev'],
  [`${chardev} ${chardev} --monitor c`, '--chardev'],
  [`--chardev socket,path=${at('c')},server=on,wait=off`, 'chardev: no id specified'],
  [`--chardev socket,id=c,path=${at('no/c')},server=on,wait=off --monitor c`, at('no/c')],
  [`--chardev socket,id=c,path=${at('none')} --monitor c`, `Failed to connect to '${at('none')}'`],
  [
    `--chardev socket,id=c,path=${at('c')},server=on,wait=off,${has('reconnect-ms') ? 'reconnect-ms' : 'reconnect'}=1`,
    has('reconnect-ms')
      ? 'option is incompatible with socket in server listen mode'
      : "'reconnect' option is incompatible",
  ],
  [`--chardev socket,id=c,path=${at('c')},server=off,wait=off`, "'wait' option is incompatible"],
  ['--chardev socket,id=c,host=127.0.0.1,server=on,wait=off', 'chardev: socket: no port given'],
  [`--chardev socket,id=c,path=${at('c')},server=maybe`, 'server'],
  [`--chardev socket,id=c,path=${at('c')},foo=on`, 'foo'],
  ['--chardev foo,id=c', "'foo' is not a valid char driver name"],
  ['--chardev id=c', 'chardev: "c" missing backend'],
  ['--chardev null,id=c --chardev null,id=c', "attempt to add duplicate property 'c'"],
  ['--chardev stdio,id=a --chardev stdio,id=b', 'cannot use stdio by multiple character devices'],
  [`--chardev file,id=c,path=${at('no/c')}`, `Could not open '${at('no/c')}': No such file or directory`],
  [`--chardev pipe,id=c,path=${at('no/c')}`, `Could not open '${at('no/c')}': No such file or directory`],
  ['--chardev ringbuf,id=c,size=3', 'size of ringbuf chardev must be power of two'],
  [`--chardev socket,id=c,path=${at('c')},host=h,port=1`, 'option required.'],
  [`--chardev socket,id=c,path=${at('c')},server=on,wait=off,delay=on,nodelay=on`, 'are mutually exclusive'],
  [
    `--chardev socket,id=c,path=${at('no/c')},server=on,wait=off`,
    `Failed to bind socket to ${at('no/c')}: No such file`,
  ],
  ['--object main-loop,id=a --object main-loop,id=b', 'only one main-loop instance allowed'],
  ['--trace events=/nonexistent', '/nonexistent: No such file or directory'],
  [`--chardev socket,id=1c,path=${at('c')},server=on,wait=off`, 'id'],
  [`--chardev socket,id=c,host=127.0.0.1,port=0,server=on,wait=off,tls-creds=nope --monitor c`, "with id 'nope'"],
  [
    `${psk('client')} --chardev socket,id=c,host=127.0.0.1,port=0,server=on,wait=off,tls-creds=t --monitor c`,
    'Expected TLS credentials for a server endpoint',
  ],
  [`${nbdServer} ${nbdServer}`, 'NBD server already running'],
  [`--nbd-server type=unix,path=${at('n')}`, '--nbd-server'],
  ['--nbd-server addr.type=unix', 'path'],
  ['--nbd-server addr.type=foo', 'foo'],
  [`${nbdServer},tls-creds=nope`, "No TLS credentials with id 'nope'"],
  [`${nbdServer},max-connections=-1`, 'max-connections'],
  [`--nbd-server addr.type=unix,addr.path=${at('no/n')}`, `Failed to bind socket to ${at('no/n')}: No such file`],
  [`${node} ${nbdServer} --export nbd,node-name=f`, 'id'],
  [`${node} ${nbdServer} --export nbd,id=e`, 'node-name'],
  [`${node} ${nbdServer} --export nbd,id=e,node-name=nope`, "Cannot find device='' nor node-name='nope'"],
  [`${node} ${nbdServer} --export id=e,node-name=f`, 'type'],
  [`${node} ${nbdServer} --export foo,id=e,node-name=f`, 'foo'],
  [`${node} ${nbdServer} --export nbd,id=1,node-name=f`, 'Invalid block export id'],
  [
    `${node} ${nbdServer} --export nbd,id=e,node-name=f --export nbd,id=e,node-name=f`,
    "Block export id 'e' is already in use",
  ],
  [
    `${node} ${nbdServer} --export nbd,id=e,node-name=f --export nbd,id=e2,node-name=f`,
    "NBD server already has export named 'f'",
  ],
  [`${node} ${nbdServer} --export nbd,id=e,node-name=f,bitmaps.0=b`, "Bitmap 'b' is not found"],
  [`${node} ${nbdServer} --export nbd,id=e,node-name=f,iothread=x`, 'iothread "x" not found'],
  [
    `${node},read-only=on ${nbdServer} --export nbd,id=e,node-name=f,writable=on`,
    'Cannot export read-only node as writable',
  ],
  [`${node} --export nbd,id=e,node-name=f`, 'NBD server not running'],
  [`${nbdServer} --blockdev driver=file,filename=${at('disk')}`, 'node-name'],
  [`${nbdServer} --blockdev driver=file,node-name=f,filename=${at('nope')}`, at('nope')],
  [`${nbdServer} --blockdev driver=nope,node-name=f`, 'nope'],
  [`${nbdServer} ${node},foo=1`, 'foo'],
  [`${nbdServer} ${node} ${node}`, 'f'],
  [`${nbdServer} --blockdev raw,node-name=r,file=nope`, 'nope'],
  [`${nbdServer} --blockdev help`, 'Help is not available'],
  [`${nbdServer} --object secret,id=s`, "Either 'file' or 'data' must be provided"],
  [`${nbdServer} --object nope,id=s`, 'nope'],
  [`${nbdServer} --object secret`, 'id'],
  ['junk', ''],
  ['--junk', 'junk'],
];

/** Whether the daemon starts by a line, and what it says when it does not. */
async function daemon(line: string): Promise<{ code: number | 'runs'; said: string }> {
  const child = spawn('qemu-storage-daemon', [...line.split(' '), '--pidfile', at('real.pid')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text: Buffer) => {
    said += text;
  });
  const ended = once(child, 'close').then(([code]) => code as number);
  // Written when all options have worked.
  const runs = vi.waitFor(
    () => {
      if (child.exitCode === null && !existsSync(at('real.pid'))) throw new Error('not yet');
    },
    { timeout: 20_000, interval: 5 },
  );
  await Promise.race([ended, runs]);
  const running = child.exitCode === null && existsSync(at('real.pid'));
  if (running) child.kill();
  const code = await ended;
  return { code: running ? 'runs' : code, said };
}

/** The same with ours, in this process. */
async function ours(line: string): Promise<{ code: number | 'runs'; said: string }> {
  const stop = new AbortController();
  let ready = false;
  const ended = await qapiTs(['serve', ...line.split(' ')], {
    signal: stop.signal,
    onOutput(text) {
      if (!text.includes('"msg":"ready"')) return;
      ready = true;
      stop.abort();
    },
  });
  return { code: ready ? 'runs' : ended.code, said: ended.stderr };
}

describeWithPrograms("the storage daemon's command line", ['qemu-storage-daemon', 'qemu-img', 'openssl'], () => {
  beforeAll(async () => {
    writeFileSync(at('disk'), Buffer.alloc(65_536));
    writeFileSync(at('keys.psk'), 'qemu:0102030405060708090a0b0c0d0e0f10\n');
    spawnSync('mkfifo', [at('fifo')]);
    program = await bundledProgram();
    // Loading it is no part of the first test.
    await import('../../cli/serve/serve.js');
  }, 120_000);
  afterAll(() => {
    program.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(good)('starts by %s', async (line) => {
    expect({ ...(await daemon(line)), said: '' }).toEqual({ code: 'runs', said: '' });
    expect(await ours(line)).toMatchObject({ code: 'runs' });
  });

  it.each(bad)('refuses %s', async (line, said) => {
    const real = await daemon(line);
    expect(real).toEqual({ code: 1, said: expect.stringContaining(said) });
    const own = await ours(line);
    expect(own).toEqual({ code: 1, said: expect.stringContaining(said) });
    // Both name the option, unless it is none.
    const [, option] = /: (--[a-z-]+) /.exec(real.said) ?? [];
    if (option !== undefined) expect(own.said).toContain(option);
  });

  const run = (...args: string[]) => {
    const child = spawn(process.execPath, [program.program, 'serve', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stderr.on('data', (text: Buffer) => {
      said += text;
    });
    return { child, ended: once(child, 'close').then(([code]) => ({ code, said })) };
  };

  it.each([[['--chardev', 'null,id=c', '--monitor', 'c']], [['--blockdev', 'null-co,node-name=n']], [[]]])(
    'stays until a signal ends it, though nothing happens: %j',
    async (args) => {
      const pid = at('alone');
      const { child, ended } = run(...args, '--pidfile', pid);
      await vi.waitFor(() => expect(existsSync(pid)).toBe(true), { timeout: 20_000 });
      await new Promise((resolve) => setTimeout(resolve, 300));
      child.kill();
      const { code, said } = await ended;
      expect(code).toBe(0);
      expect(said).toContain('"msg":"stopped"');
    },
  );

  it('takes what a client says from a file or a pipe, and answers in another', async () => {
    const said = '{"execute":"qmp_capabilities"}{"execute":"query-name"}{"execute":"quit"}';
    const answered = [expect.stringContaining('"QMP"'), ...Array<string>(3).fill('{"return": {}}'), ''];
    writeFileSync(at('input'), said);
    for (const append of ['off', 'on']) {
      const file = `file,id=c,path=${at('output')},input-path=${at('input')},append=${append}`;
      expect(await run('--chardev', file, '--monitor', 'c').ended).toMatchObject({ code: 0 });
    }
    expect(readFileSync(at('output'), 'utf8').split('\r\n')).toEqual([...answered.slice(0, -1), ...answered]);
    for (const name of ['p.in', 'p.out']) spawnSync('mkfifo', [at(name)]);
    const { ended } = run('--chardev', `pipe,id=c,path=${at('p')}`, '--monitor', 'c');
    const reader = spawn('sh', ['-c', `echo '${said}' > ${at('p.in')} & timeout 20 head -n 4 ${at('p.out')}`]);
    let heard = '';
    reader.stdout.on('data', (text: Buffer) => {
      heard += text;
    });
    await once(reader, 'close');
    expect(heard.split('\r\n')).toEqual(answered);
    expect(await ended).toMatchObject({ code: 0 });
  });

  it('goes on in the background when all is ready, and removes the file with its number at the end', async () => {
    const socket = at('daemon');
    const args = ['--chardev', `socket,id=c,path=${socket},server=on,wait=off`, '--monitor', 'c'];
    const started = await run(...args, '--daemonize', '--pidfile', at('pid')).ended;
    expect(started.code).toBe(0);
    const pid = Number(readFileSync(at('pid'), 'utf8'));
    onTestFinished(() => {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended.
      }
    });
    const client = await connect(socket);
    expect(await client.execute('query-status')).toMatchObject({ running: true });
    // The number is taken while it runs.
    const second = await run('--chardev', 'null,id=c', '--monitor', 'c', '--pidfile', at('pid')).ended;
    expect(second).toEqual({ code: 1, said: expect.stringContaining('cannot create PID file') });
    const nowhere = await run('--chardev', 'null,id=c', '--pidfile', at('no/pid')).ended;
    expect(nowhere.said).toContain(
      `cannot create PID file: Could not create '${at('no/pid')}': No such file or directory`,
    );
    await client.execute('quit');
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow(), { timeout: 20_000 });
    expect([existsSync(at('pid')), existsSync(socket)]).toEqual([false, false]);
    const failed = await run('--daemonize', '--nbd-server', `addr.type=unix,addr.path=${at('no/n')}`).ended;
    expect(failed).toEqual({ code: 1, said: expect.stringContaining(at('no/n')) });
  });

  it('connects to its client, again and again, and lays out replies for people', async () => {
    const replies: string[] = [];
    const server = createServer((socket) => {
      let text = '';
      socket.write('{"execute":"qmp_capabilities"}{"execute":"query-name"}');
      socket.on('data', (chunk: Buffer) => {
        text += chunk;
        if (text.split('"return"').length < 3) return;
        replies.push(text);
        socket.destroy();
      });
      socket.on('error', () => {});
    });
    const stop = new AbortController();
    const options = `socket,id=c,path=${at('client')},server=off,reconnect-ms=20`;
    const ended = qapiTs(['serve', '--chardev', options, '--monitor', 'chardev=c,pretty=on'], { signal: stop.signal });
    // It begins without it.
    await new Promise<void>((resolve) => setTimeout(resolve, 50));
    server.listen(at('client'));
    await vi.waitFor(() => expect(replies.length).toBeGreaterThan(1), { timeout: 20_000 });
    expect(replies[0]).toMatch(/^\{\r?\n {4}"QMP": \{/);
    stop.abort();
    expect((await ended).code).toBe(0);
    await new Promise((resolve) => server.close(resolve));
  });

  it('encrypts a monitor, of which one client at a time is served', async () => {
    mkdirSync(at('pki'));
    makeCertificates(at('pki'));
    const { connect: connectTls } = await import('node:tls');
    const stop = new AbortController();
    let place = '';
    const ended = qapiTs(
      [
        'serve',
        '--object',
        `tls-creds-x509,id=t,endpoint=server,dir=${at('pki')}`,
        '--object',
        'authz-simple,id=a,identity=CN=client',
        '--chardev',
        'socket,id=c,host=127.0.0.1,port=0,server=on,wait=off,tls-creds=t,tls-authz=a',
        '--monitor',
        'c',
      ],
      {
        signal: stop.signal,
        onOutput(text) {
          if (text.includes('"msg":"ready"')) place = JSON.parse(text).qmp[0];
        },
      },
    );
    await vi.waitFor(() => expect(place).not.toBe(''), { timeout: 20_000 });
    const port = Number(place.split(':').at(-1));
    const pem = (name: string): Buffer => readFileSync(at(`pki/${name}.pem`));
    const encrypted = () =>
      connectTls({
        host: '127.0.0.1',
        port,
        ca: pem('ca-cert'),
        cert: pem('client-cert'),
        key: pem('client-key'),
        servername: 'localhost',
      });
    const client = await connect(() => encrypted());
    expect(await client.execute('query-version')).toHaveProperty('qemu');
    let greeted = false;
    const second = connect(() => encrypted()).then((other) => {
      greeted = true;
      return other;
    });
    await client.execute('query-version');
    expect(greeted).toBe(false);
    await client.close();
    await (await second).close();
    // A client without a certificate learns nothing.
    const stranger = connectTls({ host: '127.0.0.1', port, ca: pem('ca-cert'), servername: 'localhost' });
    let heard = '';
    stranger.on('data', (chunk: Buffer) => {
      heard += chunk;
    });
    stranger.on('error', () => {});
    await once(stranger, 'close');
    expect(heard).toBe('');
    // One that never begins with the handshake, and one that waits behind it, do not keep the server from ending.
    const silent = [createConnection(port, '127.0.0.1'), createConnection(port, '127.0.0.1')];
    for (const socket of silent) await once(socket, 'connect');
    for (const socket of silent) socket.on('error', () => {});
    stop.abort();
    await ended;
  });
});
