import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { readDrive } from '../../runtime/block/drive/read-drive.js';
import { BlockError } from '../../runtime/block/error.js';
import { BlockOptions } from '../../runtime/block/options.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { describeWithPrograms } from './programs.js';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-image-locks-'));
const at = (name: string): string => join(folder, name);
const formats = ['raw', 'qcow2'] as const;
const ways = { write: '', read: ',read-only=on', shared: ',read-only=on,force-share=on' } as const;
type Way = keyof typeof ways;
const allWays = Object.keys(ways) as Way[];

/** What programs say of an image that others have: the same words, on one line or two. */
function lockMessage(text: string): string {
  const refusal = /Failed to get (?:shared )?"[a-z ]+" lock/.exec(text)?.[0];
  return refusal === undefined ? text : `${refusal} ${/Is another process using the image \[.*\]\?/.exec(text)?.[0]}`;
}

async function outcome(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'ok';
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    return lockMessage(stderr ?? message);
  }
}

/** Those who come while an image is held, and what becomes of each. */
async function visits(format: string): Promise<Record<string, string>> {
  const image = at(`a.${format}`);
  const io = (...args: string[]) => outcome(run('qemu-io', ['-f', format, ...args, '-c', 'read 0 512', image]));
  const info = (...args: string[]) => outcome(run('qemu-img', ['info', '-f', format, ...args, image]));
  return {
    'qemu-img info': await info(),
    'qemu-img info -U': await info('-U'),
    'qemu-io': await io(),
    'qemu-io -r': await io('-r'),
    'qemu-io -r -U': await io('-r', '-U'),
    'qemu-nbd': await outcome(heldBy('qemu-nbd', ['-t', '-f', format, '-k', at('v.sock'), image], async () => {})),
    'qemu-nbd -r': await outcome(
      heldBy('qemu-nbd', ['-t', '-r', '-f', format, '-k', at('v.sock'), image], async () => {}),
    ),
    'qemu-img resize': await outcome(run('qemu-img', ['resize', '-f', format, image, '1M'])),
    'qemu-img create': await outcome(run('qemu-img', ['create', '-f', 'raw', image, '1M'])),
  };
}

/** Has a program hold an image during some work. @throws what it says when it ends before */
async function heldBy<T>(program: string, args: string[], work: () => Promise<T>): Promise<T> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => {}).write('{"execute": "qmp_capabilities"}\n');
  let stderr = '';
  child.stderr.on('data', (data: Buffer) => {
    stderr += data;
  });
  // Only then has all been read of what it says.
  const ended = once(child, 'close');
  const socket = args[args.indexOf('-k') + 1] ?? '';
  const ready =
    program === 'qemu-nbd'
      ? vi.waitFor(() => run('nbdinfo', ['--size', `nbd+unix:///?socket=${socket}`]), { timeout: 60_000 })
      : answer(child.stdout);
  ready.catch(() => {});
  try {
    const first = await Promise.race([ready.then(() => 'ready'), ended.then(() => 'ended')]);
    if (first === 'ended') throw new Error(stderr);
    return await work();
  } finally {
    child.kill();
    await ended;
    rmSync(socket, { force: true });
  }
}

/** A machine greets before it has its devices, and answers when it has. */
async function answer(output: Readable): Promise<void> {
  let text = '';
  for await (const data of output) {
    text += data;
    if (text.includes('"return"')) return;
  }
  // It is ending, and says why elsewhere.
  await new Promise(() => {});
}

/** A guest's disk of QEMU's. */
function guest(format: string, way: Way): string[] {
  const drive = `file=${at(`a.${format}`)},format=${format},if=virtio${ways[way]}`;
  return ['-display', 'none', '-nodefaults', '-S', '-qmp', 'stdio', '-drive', drive];
}

/** Has a drive of ours hold an image during some work. */
async function heldByUs<T>(format: string, way: Way, work: (client: LayerClient) => Promise<T>): Promise<T> {
  const client = new LayerClient();
  try {
    const drive = `file=${at(`a.${format}`)},format=${format},id=d${ways[way]}`;
    await client.layer.addDrive(readDrive(drive, client.layer.registry));
    return await work(client);
  } finally {
    await client.layer.close();
  }
}

const programs = ['qemu-img', 'qemu-io', 'qemu-nbd', 'nbdinfo', 'qemu-system-x86_64'];

describeWithPrograms('image locks, beside those of QEMU', programs, () => {
  beforeAll(async () => {
    writeFileSync(at('a.raw'), Buffer.alloc(2 ** 20));
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', at('a.qcow2'), '1M']);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(formats.flatMap((format) => allWays.map((way) => [format, way] as const)))(
    'our %s drive (%s) keeps out whom a guest’s drive of QEMU keeps out, in the same words',
    async (format, way) => {
      // Those that nothing keeps out would destroy the image.
      const theirs = await heldBy('qemu-system-x86_64', guest(format, way), () => visits(format));
      await beforeEachImage(format);
      const ours = await heldByUs(format, way, () => visits(format));
      await beforeEachImage(format);
      expect(ours).toEqual(theirs);
      expect(theirs['qemu-img info -U']).toBe('ok');
      const image = `Is another process using the image [${at(`a.${format}`)}]?`;
      expect(theirs['qemu-io']).toBe(way === 'shared' ? 'ok' : `Failed to get "write" lock ${image}`);
    },
    120_000,
  );

  it.each(formats.flatMap((format) => [false, true].map((readOnly) => [format, readOnly] as const)))(
    'our %s drives and QEMU’s are alike towards qemu-nbd (read-only: %s)',
    async (format, readOnly) => {
      const nbd = ['-t', '-f', format, '-k', at('n.sock'), ...(readOnly ? ['-r'] : []), at(`a.${format}`)];
      await heldBy('qemu-nbd', nbd, async () => {
        for (const way of allWays) {
          const theirs = await outcome(heldBy('qemu-system-x86_64', guest(format, way), async () => {}));
          expect([way, await outcome(heldByUs(format, way, async () => {}))]).toEqual([way, theirs]);
        }
      });
    },
    120_000,
  );

  it('an export of a raw node lets another export write, as two qemu-nbd do, and none resize', async () => {
    const client = new LayerClient();
    const file = { driver: 'file', filename: at('a.raw') };
    await client.layer.addNode(BlockOptions.flatten({ driver: 'raw', 'node-name': 'n', file }));
    const server = await client.layer.openNbd({ path: at('o.sock') });
    await server.add({ name: 'n', of: { node: 'n' }, writable: true });
    const nbd = ['-t', '-f', 'raw', '-k', at('n.sock'), at('a.raw')];
    await heldBy('qemu-nbd', nbd, async () => {});
    expect(await outcome(run('qemu-img', ['resize', '-f', 'raw', at('a.raw'), '2M']))).toMatch(/"resize" lock/);
    await client.layer.close();
  });

  it('a resize of ours is refused while another program needs the size, and then holds nothing', async () => {
    await heldByUs('raw', 'write', async (client) => {
      await client.execute('block_resize', { device: 'd', size: 2 ** 21 });
      expect(await outcome(run('qemu-io', ['-r', '-f', 'raw', '-U', '-c', 'read 1M 512', at('a.raw')]))).toBe('ok');
    });
    const client = new LayerClient();
    const file = { driver: 'file', filename: at('a.raw') };
    await client.layer.addNode(BlockOptions.flatten({ driver: 'raw', 'node-name': 'n', file }));
    const resize = () => client.execute('block_resize', { 'node-name': 'n', size: 2 ** 20 });
    await heldBy('qemu-nbd', ['-t', '-f', 'raw', '-k', at('n.sock'), at('a.raw')], async () => {
      await expect(resize()).rejects.toThrow('Failed to get "resize" lock');
    });
    await resize();
    await client.layer.close();
  });

  it('a backing file that becomes writable is locked for that, and given free again', async () => {
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', at('base.qcow2'), '1M']);
    const mid = ['-b', at('base.qcow2'), '-F', 'qcow2'];
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', ...mid, at('mid.qcow2')]);
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', at('mid.qcow2'), '-F', 'qcow2', at('top.qcow2')]);
    const client = new LayerClient();
    const backing = { driver: 'qcow2', 'node-name': 'mid', file: { driver: 'file', filename: at('mid.qcow2') } };
    const top = { driver: 'qcow2', 'node-name': 'top', file: { driver: 'file', filename: at('top.qcow2') }, backing };
    await client.layer.addNode(BlockOptions.flatten(top));
    const change = () =>
      client.execute('change-backing-file', {
        device: 'top',
        'image-node-name': 'mid',
        'backing-file': at('base.qcow2'),
      });
    const reader = ['-t', '-r', '-f', 'qcow2', '-k', at('n.sock'), at('mid.qcow2')];
    await heldBy('qemu-nbd', reader, async () => {
      await expect(change()).rejects.toThrow('Failed to get "write" lock');
    });
    await change();
    await heldBy('qemu-nbd', reader, async () => {});
    await client.layer.close();
  }, 60_000);

  it('an image that is in use is not emptied by another that is made in its place', async () => {
    const { createImage } = await import('../../runtime/block/graph/create.js');
    const client = new LayerClient();
    await heldBy('qemu-nbd', ['-t', '-f', 'qcow2', '-k', at('n.sock'), at('base.qcow2')], async () => {
      const make = createImage(client.layer.graph, { format: 'raw', filename: at('base.qcow2'), size: 512 });
      await expect(make).rejects.toThrow(BlockError);
      await expect(make).rejects.toThrow('Failed to get "write" lock');
    });
    await run('qemu-img', ['check', '-f', 'qcow2', at('base.qcow2')]);
    await client.layer.close();
  });
});

async function beforeEachImage(format: string): Promise<void> {
  if (format === 'raw') writeFileSync(at('a.raw'), Buffer.alloc(2 ** 20));
  else await run('qemu-img', ['create', '-q', '-f', 'qcow2', at('a.qcow2'), '1M']);
}
