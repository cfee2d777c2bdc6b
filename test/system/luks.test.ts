import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { create, type Options, open } from '../runtime/block/drivers/luks/volumes.js';
import { MemoryChild } from '../runtime/block/memory-child.js';
import { describeWithPrograms } from './programs.js';

const run = promisify(execFile);
const MiB = 1 << 20;
const secret = ['--object', 'secret,id=right,data=correct horse'];

/** What a volume can be encrypted with. (QEMU's programs crash making `aes-192` with `cbc`.) */
const variants: readonly Options[] = [
  {},
  { 'cipher-alg': 'aes-128' },
  { 'cipher-alg': 'aes-192', 'hash-alg': 'sha1' },
  { 'ivgen-alg': 'plain' },
  { 'cipher-mode': 'cbc', 'ivgen-alg': 'essiv' },
  { 'cipher-alg': 'aes-128', 'cipher-mode': 'cbc', 'ivgen-alg': 'essiv', 'ivgen-hash-alg': 'md5' },
  { 'cipher-alg': 'aes-128', 'cipher-mode': 'cbc', 'hash-alg': 'ripemd160' },
  { 'ivgen-alg': 'essiv' },
  { 'cipher-mode': 'ecb', 'hash-alg': 'sha512' },
  { 'hash-alg': 'md5' },
  { 'hash-alg': 'sha224' },
  { 'hash-alg': 'sha384' },
];

describeWithPrograms('luks', ['qemu-img', 'qemu-io'], () => {
  let folder: string;
  let image: string;
  let plain: string;
  let contents: Buffer;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'luks-'));
    image = join(folder, 'a.luks');
    plain = join(folder, 'a.raw');
    contents = randomBytes(2 * MiB);
    await writeFile(plain, contents);
  });
  afterAll(() => rm(folder, { recursive: true }));

  function opened(): string {
    return `driver=luks,key-secret=right,file.filename=${image}`;
  }

  for (const options of variants.filter((_, index) => index % 2 === 0)) {
    it(`reads and writes what qemu-img made: ${titleOf(options)}`, async () => {
      await rm(image, { force: true });
      const list = Object.entries({ 'key-secret': 'right', 'iter-time': 10, ...options });
      await qemuImg('convert', '-O', 'luks', '-o', list.map((pair) => pair.join('=')).join(','), plain, image);
      const file = new MemoryChild(await readFile(image));
      const volume = await open(file);
      expect(volume.length).toBe(contents.length);
      const read = Buffer.alloc(contents.length);
      await volume.read(0, read, 0);
      expect(read.equals(contents)).toBe(true);
      await volume.write?.(MiB + 512, Buffer.alloc(66_048, 0x5a), 0);
      await writeFile(image, file.bytes);
      expect(await qemuIo(opened(), `read -P 0x5a ${MiB + 512} 66048`)).not.toMatch(/failed|verification/i);
    }, 120_000);
  }

  for (const options of variants) {
    it(`makes what qemu-img reads and writes: ${titleOf(options)}`, async () => {
      const file = await create(contents.length, options);
      const volume = await open(file);
      await volume.write?.(0, contents, 0);
      await writeFile(image, file.bytes);
      await run('qemu-img', ['compare', ...secret, '--image-opts', opened(), `driver=raw,file.filename=${plain}`]);
      expect(await qemuIo(opened(), 'write -P 0x77 4096 1M')).not.toMatch(/failed/i);
      const again = await open(new MemoryChild(await readFile(image)));
      const read = Buffer.alloc(MiB);
      await again.read(4096, read, 0);
      expect(read.every((byte) => byte === 0x77)).toBe(true);
    });
  }

  it('says of a volume what qemu-img says of it', async () => {
    const file = await create(MiB, { 'cipher-mode': 'cbc', 'ivgen-alg': 'essiv', 'hash-alg': 'sha512' });
    await writeFile(image, file.bytes);
    const { stdout } = await run('qemu-img', ['info', '--output=json', image]);
    const theirs = JSON.parse(stdout) as Record<string, unknown>;
    const volume = await open(file, {}, true);
    expect(volume.specificInfo?.()).toEqual(theirs['format-specific']);
    expect(volume.length).toBe(theirs['virtual-size']);
    expect([volume.encrypted, volume.info]).toEqual([theirs.encrypted, {}]);
  });

  async function qemuIo(target: string, command: string): Promise<string> {
    const { stdout } = await run('qemu-io', [...secret, '--image-opts', '-c', command, target]);
    return stdout;
  }
});

function titleOf(options: Options): string {
  return Object.values(options).join(' ') || 'the defaults';
}

/** Runs qemu-img, again where the kernel has not told it how much time it took: it then cannot tell how many iterations to do. */
async function qemuImg(command: string, ...args: string[]): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await run('qemu-img', [command, ...secret, ...args]);
      return;
    } catch (error) {
      if (attempt === 20 || !String(error).includes('CPU usage')) throw error;
    }
  }
}
