import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generate } from '../../generator/emit/generate.js';
import { writeFiles } from '../../generator/emit/output/write.js';
import { loadSchema } from '../../generator/schema/load.js';
import { memoryHost } from '../../generator/syntax/host.js';
import { describeWithPrograms } from './programs.js';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/server.md'), 'utf8');

/** The block of code of the page that has an info string. */
function block(info: string): string {
  const start = page.indexOf(`\n\`\`\`${info}\n`) + `\n\`\`\`${info}\n`.length;
  return page.slice(start, page.indexOf('```', start));
}

const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-server-'));
const unix = `unix:${join(folder, 'timers.sock')}`;
const tcp = `tcp:127.0.0.1:${20_000 + (process.pid % 20_000)}`;
const where = { unix: `UNIX-CONNECT:${unix.slice('unix:'.length)}`, tcp: `TCP:${tcp.slice('tcp:'.length)}` };

/** Gives a shell script what `$QMP` stands for: `socat`, connected to the server. Returns what it prints. */
async function shell(script: string, transport: keyof typeof where = 'unix'): Promise<string> {
  const { stdout } = await run('sh', ['-euc', script], {
    env: { ...process.env, QMP: `socat -t5 STDIO ${where[transport]}`, ADDRESS: where[transport] },
    timeout: 20_000,
  });
  return stdout;
}

const greeting =
  '{"QMP": {"version": {"qemu": {"micro": 0, "minor": 0, "major": 0}, "package": ""}, "capabilities": ["oob"]}}\r\n';

describeWithPrograms('the server of docs/server.md, driven by others', ['socat', 'python3'], () => {
  let stop = (): void => {};

  beforeAll(async () => {
    const { schema } = await loadSchema('timers.json', { host: memoryHost({ 'timers.json': block('qapi') }) });
    if (!schema) throw new Error('the schema is not valid');
    writeFiles(join(folder, 'generated'), generate(schema));
    writeFileSync(join(folder, 'server.ts'), block('ts server.ts'));
    await build({
      absWorkingDir: folder,
      entryPoints: ['server.ts'],
      outfile: join(folder, 'server.mjs'),
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20.19',
      alias: { 'qapi-ts/runtime': join(root, 'runtime/index.ts') },
    });
    const server = spawn(process.execPath, ['server.mjs', unix, tcp], { cwd: folder, stdio: 'inherit' });
    stop = () => server.kill();
    await shell('echo | socat -t5 STDIO $ADDRESS,retry=100,interval=0.1', 'tcp');
  });

  afterAll(() => {
    stop();
    rmSync(folder, { recursive: true });
  });

  test('the console of the page shows what happens', async () => {
    const [first = '', second = '', ...printed] = block('console').split('\n');
    expect(first).toContain('node server.js unix:timers.sock');
    const { stdout } = await run('sh', ['-euc', second.replace(/^\$ /, '')], { cwd: folder });
    expect(stdout.replaceAll('\r', '')).toBe(printed.join('\n'));
  });

  test.each(['unix', 'tcp'] as const)(
    'socat pipes requests over %s and gets all replies before the end',
    async (transport) => {
      const script = `
      { echo '{"execute": "qmp_capabilities"}'
        for i in $(seq 500); do echo '{"execute": "query-timers", "id": '$i'}'; done
      } | $QMP`;
      const replies = Array.from({ length: 500 }, (_, index) => `{"return": [], "id": ${index + 1}}\r\n`).join('');
      expect(await shell(script, transport)).toBe(`${greeting}{"return": {}}\r\n${replies}`);
    },
  );

  test('reads requests that come byte by byte', async () => {
    const script = `
      { printf '%s' '{"execute": "qmp_capabilities"}{"execute": "query-timers", "id": "a"}'; } |
        socat -b1 -t5 STDIO $ADDRESS`;
    expect(await shell(script)).toBe(`${greeting}{"return": {}}\r\n{"return": [], "id": "a"}\r\n`);
  });

  test('a shell script waits for an event', async () => {
    const script = `
      { echo '{"execute": "qmp_capabilities"}'
        echo '{"execute": "timer-start", "arguments": {"id": "shell", "seconds": 0.2}}'
        sleep 1
      } | $QMP | grep -m 1 TIMER_OVER`;
    expect(await shell(script)).toMatch(
      /^\{"timestamp": \{"seconds": \d+, "microseconds": \d+\}, "event": "TIMER_OVER", "data": \{"id": "shell", "stopped": false\}\}\r\n$/,
    );
  });

  test('a client that ends at once does not keep others from being served', async () => {
    const script = `
      for i in $(seq 20); do printf '{"execute": "qmp_capabilities"}{"exec' | socat -u STDIO $ADDRESS; done
      echo '{"execute": "qmp_capabilities", "id": 1}' | $QMP`;
    expect(await shell(script)).toBe(`${greeting}{"return": {}, "id": 1}\r\n`);
  });

  test.each([unix, tcp])("a client of Python's standard library, over %s", async (address) => {
    const { stdout } = await run('python3', [join(import.meta.dirname, 'qmp_client.py'), address], { timeout: 30_000 });
    expect(JSON.parse(stdout)).toEqual({
      greeting: [JSON.parse(greeting)],
      early: [{ error: 'CommandNotFound', id: 'early' }],
      negotiated: [{ return: {} }],
      pipelined: [...Array(100).keys()],
      started: [{ return: {}, id: 1 }],
      timers: [{ return: [{ id: 't', seconds: 3600 }], id: { any: ['value'] } }],
      'out of band': [
        { event: 'TIMER_OVER', data: { id: 't', stopped: true } },
        { return: {}, id: 'overtakes' },
        { return: {}, id: 'waits' },
        { return: [], id: 'queued' },
      ],
      watched: [{ event: 'TIMER_OVER', data: { id: 't', stopped: true } }],
      errors: [
        { error: 'DeviceNotFound' },
        { error: 'GenericError' },
        { error: 'GenericError' },
        { error: 'CommandNotFound', id: null },
        { error: 'GenericError' },
      ],
      malformed: {
        first: { return: [], id: 'single' },
        between: { error: 'GenericError' },
        last: { return: [], id: 2 },
      },
    });
  });
});
