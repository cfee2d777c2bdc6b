import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { builtInDrivers } from '../../runtime/block/built-in-drivers.js';
import { makeBochs, makeCloop } from '../runtime/block/drivers/format-suite/read-only-images.js';
import { randomFrom } from '../runtime/block/random-from.js';
import { describeWithPrograms, seed } from './programs.js';

/*
 * Beginnings of files are probed as QEMU probes them: the marks of all formats, cut and changed at random. An image that QEMU
 * recognises and then cannot open is any format but raw.
 */

const run = promisify(execFile);
const runs = Number(process.env.QAPI_PROBING_RUNS ?? 120);
/** Programs that run at the same time. */
const width = 4;
const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-probing-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Random = () => number;

const below = (random: Random, limit: number): number => Math.floor(random() * limit);
const one = <T>(random: Random, items: readonly T[]): T => items[below(random, items.length)] as T;

/** The beginnings of sound images. */
async function beginnings(): Promise<Buffer[]> {
  const heads = [
    makeBochs(Buffer.alloc(8192)),
    makeBochs(Buffer.alloc(8192), { version: 1 }),
    makeCloop(Buffer.alloc(8192)),
  ];
  for (const [format, options = ''] of [
    ['qcow2', 'compat=0.10'],
    ['qcow2'],
    ['qcow'],
    ['qed'],
    ['vdi'],
    ['vpc'],
    ['vmdk'],
    ['vmdk', 'subformat=monolithicFlat'],
    ['vhdx'],
    ['parallels'],
    ['raw'],
  ] as const) {
    const path = join(folder, 'image');
    await run('qemu-img', ['create', '-f', format, ...(options === '' ? [] : ['-o', options]), path, '1M']);
    heads.push(readFileSync(path));
  }
  const luks = Buffer.alloc(4096);
  luks.write('LUKS\xba\xbe\0\x01', 'latin1');
  return [...heads, luks].map((head) => head.subarray(0, 4096));
}

/** Text that looks more or less like the descriptor of a vmdk. */
function descriptorLike(random: Random): Buffer {
  const parts = [
    '#',
    '# comment',
    '\n',
    '\r\n',
    ' ',
    '   ',
    'version=1',
    'version=2',
    'version=3',
    'version=4',
    'Version=1',
  ];
  const usual = ['# Disk DescriptorFile\n', '\n', '#x\r\n', ' \n', '  \r\n', 'version=1\n', 'version=2\r\n', 'CID=1\n'];
  const text = Array.from({ length: 1 + below(random, 7) }, () => one(random, random() < 0.7 ? usual : parts)).join('');
  return Buffer.concat([Buffer.from(text), Buffer.alloc(below(random, 2) * 1024)]);
}

function changed(random: Random, head: Buffer): Buffer {
  const bytes = Buffer.from(head);
  for (let count = below(random, 4); count > 0; count--) {
    // Marks are near the beginning.
    bytes[below(random, one(random, [8, 20, 72, 128]))] = one(random, [0, 1, 2, 3, 0xff, 0x51, below(random, 256)]);
  }
  return bytes.subarray(0, one(random, [bytes.length, bytes.length, bytes.length, below(random, 80), 512, 511]));
}

describeWithPrograms('probing', ['qemu-img'], () => {
  it(
    'changed beginnings of files of all formats are taken for what QEMU takes them for',
    async () => {
      const random = randomFrom(seed);
      const heads = await beginnings();
      const drivers = builtInDrivers();
      const cases = Array.from({ length: runs }, (_, index) => {
        const bytes = random() < 0.25 ? descriptorLike(random) : changed(random, one(random, heads));
        return { bytes, name: one(random, ['a', 'a', 'a', 'a.dmg', '.dmg', 'a.dmg.x', 'a.DMG']), index };
      });
      const differences: string[] = [];
      let other = 0;
      const probe = async ({ bytes, name, index }: (typeof cases)[number]): Promise<void> => {
        const place = join(folder, `${index}`);
        mkdirSync(place);
        const path = join(place, name);
        writeFileSync(path, bytes);
        const theirs = await run('qemu-img', ['info', '--output=json', path]).then(
          ({ stdout }) => String(JSON.parse(stdout).format),
          () => 'not raw',
        );
        const ours = drivers.probe(bytes.subarray(0, 512), path).name;
        if (ours !== 'raw') other++;
        if (theirs === 'not raw' ? ours === 'raw' : ours !== theirs) {
          differences.push(`${name} ${JSON.stringify(bytes.toString('latin1', 0, 160))}: ${ours}, not ${theirs}`);
        }
      };
      const rest = cases.values();
      await Promise.all(
        Array.from({ length: width }, async () => {
          for (const each of rest) await probe(each);
        }),
      );
      expect(differences).toEqual([]);
      expect(other).toBeGreaterThan(runs / 8);
    },
    120_000 + runs * 200,
  );
});
