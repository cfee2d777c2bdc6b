import { spawn, spawnSync } from 'node:child_process';
import { on, once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { generate } from '../../generator/emit/generate.js';
import { loadSchema } from '../../generator/schema/load.js';
import type { JsonObject } from '../../runtime/json/value.js';
import { connect } from '../../runtime/qmp/client.js';
import { backOff } from '../../runtime/qmp/reconnect.js';
import { spawnQemu, spawnStorageDaemon } from '../../runtime/qmp/spawn.js';
import { corpusPath, describeWithCorpus } from '../corpus.js';
import { compileGenerated } from '../generator/emit/compile.js';
import { certificates } from './certificates.js';
import { generateRelease, RELEASE } from './generated-7.2.js';
import { describeWithPrograms } from './programs.js';
import { realAgent } from './real-agent.js';
import { codeOf, type Printed, runCode } from './recipes.js';
import { has } from './release.js';
import { websocketBridge } from './websocket-bridge.js';

const recipe = (name: string): string => codeOf('docs/client.md', name);

/** What a recipe prints that asks for the status. */
const status = { lines: expect.arrayContaining([expect.stringMatching(/status: 'running'/)]), code: 0, errors: '' };

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-recipe-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function emulator(...args: string[]) {
  const qemu = await spawnQemu({ args: ['-machine', 'none', '-display', 'none', '-nodefaults', ...args] });
  onTestFinished(async () => void (await qemu.close()));
  return qemu;
}

/** An emulator with a second monitor at a port of its choice. */
async function atPort(options: string, ...args: string[]): Promise<string> {
  const { client } = await emulator(...args, '-qmp', `tcp:127.0.0.1:0,server=on,wait=off${options}`);
  const filenames = ((await client.execute('query-chardev')) as JsonObject[]).map(({ filename }) => String(filename));
  const [port] = filenames.flatMap((filename) => /127\.0\.0\.1:(\d+)/.exec(filename)?.[1] ?? []);
  if (port === undefined) throw new Error(`there is no port in ${filenames.join()}`);
  return port;
}

/** An emulator that connects to a socket, and does so again when it is left. */
function connectingEmulator(path: string) {
  const monitor = [
    '-qmp',
    `unix:${path},${has('reconnect-ms', 'qemu-system-x86_64') ? 'reconnect-ms=1000' : 'reconnect=1'}`,
  ];
  const program = spawn('qemu-system-x86_64', ['-machine', 'none', '-display', 'none', '-nodefaults', ...monitor]);
  const end = async (): Promise<void> => {
    if (program.exitCode !== null || program.signalCode !== null) return;
    program.kill('SIGKILL');
    await once(program, 'exit');
  };
  onTestFinished(end);
  return end;
}

describeWithPrograms('recipes of docs/client.md with an emulator', ['qemu-system-x86_64'], () => {
  test('QEMU connects to the program', async () => {
    const path = join(temporaryFolder(), 'vm.sock');
    connectingEmulator(path);
    expect(await runCode(recipe('qemu-connects'), { '/run/vm.sock': path })).toMatchObject(status);
  });

  test('QEMU connects to the program again after it has been started again', async () => {
    const path = join(temporaryFolder(), 'vm.sock');
    const server = createServer().listen(path);
    onTestFinished(() => void server.close());
    const connections = on(server, 'connection');
    const next = async () => (await connections.next()).value[0];
    const end = connectingEmulator(path);
    await using client = await connect(next, { reconnect: backOff() });
    await end();
    connectingEmulator(path);
    expect(await client.execute('query-status')).toMatchObject({ status: 'running' });
  });

  test('the recipe for TCP works', async () => {
    const port = await atPort('');
    const changes = { "'vm.example'": "'127.0.0.1'", '4444': port };
    expect(await runCode(recipe('tcp'), changes)).toMatchObject(status);
  });

  describeWithPrograms('programs that lead to another host', ['socat'], () => {
    test('the recipe for ssh works, and tells what ssh says', async () => {
      const { socket, client } = await emulator();
      await client.close();
      const folder = temporaryFolder();
      // There is no other host: what ssh would run there runs here.
      writeFileSync(join(folder, 'ssh'), '#!/bin/sh\nshift 2\nexec "$@"\n');
      chmodSync(join(folder, 'ssh'), 0o700);
      const env = { PATH: `${folder}:${process.env.PATH}` };
      expect(await runCode(recipe('ssh'), { '/run/qmp.sock': socket }, { env })).toMatchObject(status);
      writeFileSync(join(folder, 'ssh'), '#!/bin/sh\necho "Could not resolve hostname" >&2\nexit 255\n');
      const failed = await runCode(recipe('ssh'), { '/run/qmp.sock': socket }, { env });
      expect(failed.code).not.toBe(0);
      expect(failed.errors).toContain('ssh ended with status 255: Could not resolve hostname');
    });

    test('the recipe for vsock works', async () => {
      const { socket, client } = await emulator();
      await client.close();
      const changes = { 'VSOCK-CONNECT:3:4444': `UNIX-CONNECT:${socket}` };
      expect(await runCode(recipe('vsock'), changes)).toMatchObject(status);
    });
  });

  test('the recipe for websockets works', async () => {
    const { socket, client } = await emulator();
    await client.close();
    const port = await websocketBridge(socket);
    const flags = Number(process.versions.node.split('.')[0]) < 22 ? ['--experimental-websocket'] : [];
    const { lines, code } = await runCode(recipe('websocket'), { 'vm.example:4444': `127.0.0.1:${port}` }, { flags });
    expect({ lines, code }).toMatchObject({ lines: status.lines, code: 0 });
  });

  test('an image whose file descriptor a program inherits', async () => {
    const image = join(temporaryFolder(), 'disk.img');
    writeFileSync(image, Buffer.alloc(2 ** 20));
    const printed = await runCode(recipe('file-descriptor'), { '/srv/disk.img': image });
    expect(printed).toMatchObject({ code: 0, errors: '' });
    expect(printed.lines.join('\n')).toContain("'node-name': 'disk'");
  });

  test('a monitor at a socket that a program inherits', async () => {
    const today = { "'-mon', 'chardev=qmp,mode=control'": "'-object', 'monitor-qmp,id=m,chardev=qmp'" };
    const changes = has('monitors are objects', 'qemu-system-x86_64') ? today : {};
    expect(await runCode(recipe('inherited-monitor'), changes)).toMatchObject(status);
  });

  describeWithCorpus('with the schemas of two releases', RELEASE, () => {
    test('the recipe for two releases works and compiles', async () => {
      const [older, newer] = [await emulator(), await emulator()];
      await Promise.all([older.client.close(), newer.client.close()]);
      const changes = { '/run/older.sock': older.socket, '/run/newer.sock': newer.socket };
      const { lines } = await runCode(recipe('two-releases'), changes);
      expect(lines).toEqual(Array(2).fill(expect.stringMatching(/^QEMU \d+\.\d+: running, can yank$/)));
      const { schema } = await loadSchema(corpusPath('releases/4.2', 'qapi/qapi-schema.json'));
      if (!schema) throw new Error('the schema is not valid');
      const text = recipe('two-releases').replaceAll("'./", "'../");
      const program = [{ path: 'main.ts', text }];
      expect(await compileGenerated({ older: generate(schema), newer: await generateRelease(), program })).toEqual([]);
    }, 120_000);
  });
});

describeWithPrograms('recipes of docs/client.md with certificates', ['qemu-system-x86_64', 'openssl'], () => {
  test('the recipe for TLS works', async () => {
    const folder = certificates();
    const creds = `tls-creds-x509,id=creds,dir=${folder},endpoint=server,verify-peer=on`;
    const port = await atPort(',tls-creds=creds', '-object', creds);
    const changes = { "'vm.example'": "'localhost'", '4444': port, '/etc/pki/qemu': folder };
    expect(await runCode(recipe('tls'), changes)).toMatchObject(status);
  });
});

describeWithPrograms('recipes of docs/client.md with a storage daemon', ['qemu-storage-daemon', 'qemu-img'], () => {
  test('the recipe for jobs of a transaction works', async () => {
    const daemon = await spawnStorageDaemon();
    onTestFinished(async () => void (await daemon.close()));
    const folder = temporaryFolder();
    for (const name of ['disk0', 'disk1', 'disk0-copy', 'disk1-copy']) {
      const filename = join(folder, name);
      expect(spawnSync('qemu-img', ['create', '-q', '-f', 'qcow2', filename, '1M']).status).toBe(0);
      const file = { driver: 'file', filename };
      await daemon.client.execute('blockdev-add', { driver: 'qcow2', 'node-name': name, file });
    }
    await daemon.client.close();
    const { lines, code, errors } = await runCode(recipe('jobs'), { '/run/qmp.sock': daemon.socket });
    expect({ lines, code, errors }).toEqual({
      lines: ['disk0: 1048576 bytes', 'disk1: 1048576 bytes'],
      code: 0,
      errors: '',
    });
  });

  test('a storage daemon opens a file descriptor that it inherits', async () => {
    const image = join(temporaryFolder(), 'disk.img');
    writeFileSync(image, Buffer.alloc(2 ** 20));
    const source = `
      import { open } from 'node:fs/promises';
      import { spawnStorageDaemon } from 'qapi-ts/runtime';
      const image = await open('${image}', 'r+');
      const daemon = await spawnStorageDaemon({ stdio: ['ignore', 'ignore', 'pipe', image.fd] });
      await image.close();
      await daemon.client.execute('blockdev-add', { driver: 'file', 'node-name': 'disk', filename: '/dev/fd/3' });
      console.log((await daemon.client.execute('query-named-block-nodes'))[0].image['virtual-size']);
      await daemon.close();`;
    expect(await runCode(source)).toEqual({ lines: ['1048576'], code: 0, errors: '' } satisfies Printed);
  });
});

describeWithPrograms('recipes of docs/client.md with a guest agent', ['qemu-ga'], () => {
  test('the recipe for a guest agent works', async () => {
    const { socket } = await realAgent();
    const { lines, code } = await runCode(recipe('agent'), { '/run/qga.sock': socket });
    expect([lines[0], code]).toEqual([expect.stringMatching(/^\d+\.\d+\.\d+ 0 from the guest$/), 0]);
  });

  describeWithCorpus('with the schema of the agent', RELEASE, () => {
    test('the recipe of the agent compiles', async () => {
      const text = recipe('agent').replaceAll("'./", "'../");
      const program = [{ path: 'main.ts', text }];
      expect(await compileGenerated({ agent: await generateRelease('qga'), program })).toEqual([]);
    });
  });
});

test('the fake QEMU of docs/server.md answers as its handlers say, and compiles', async () => {
  const fake = codeOf('docs/server.md', 'fake-qemu');
  expect(await runCode(fake)).toEqual({
    lines: ['job m failed: No space left on device', 'There is no such disk', expect.stringContaining('query-block')],
    code: 0,
    errors: '',
  });
  const { schema } = await loadSchema(join(import.meta.dirname, '../../qapi/qapi-schema.json'));
  if (!schema) throw new Error('the schema is not valid');
  const program = [{ path: 'main.ts', text: fake.replaceAll("'./", "'../") }];
  expect(await compileGenerated({ generated: generate(schema), program })).toEqual([]);
}, 60_000);
