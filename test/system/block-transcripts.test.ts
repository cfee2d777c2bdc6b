import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readDevice } from '../../runtime/block/drive/device.js';
import { readDrive } from '../../runtime/block/drive/read-drive.js';
import { isQmpFailure } from '../../runtime/qmp/error.js';
import { corpusPath, describeWithCorpus } from '../corpus.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { describeWithPrograms } from './programs.js';

/*
 * Recorded exchanges with a real storage daemon of release 7.2 about nodes, on images like those that it had. Our interface is that of 2.8: requests
 * are put into its shape, and what differs between the two releases is listed here. Compared are success, the class of
 * errors, and all members of results that both releases have.
 */

interface Request {
  readonly execute: string;
  readonly arguments?: { readonly [name: string]: unknown };
}

interface Message {
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
  readonly event?: string;
  readonly data?: unknown;
}

/** Commands that 2.8 calls otherwise. */
const renamed: { readonly [name: string]: string } = {
  'blockdev-insert-medium': 'x-blockdev-insert-medium',
  'blockdev-remove-medium': 'x-blockdev-remove-medium',
};

/** What 2.8 does not have, or does otherwise, and why. A request that matches is not made. */
const newer: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/"execute":"(blockdev-reopen|block-export|query-block-exports|nbd-server-remove)/, 'a later command'],
  [
    /"execute":"(blockdev-create|query-jobs|job-dismiss|qom-list|x-debug|x-blockdev-set-iothread|query-chardev|chardev)/,
    'a later command',
  ],
  [/"driver":"(nbd|throttle|copy-on-read)"|"qom-type":"throttle-group"|"tg0"/, 'a later driver or object'],
  [/"blockdev-add","arguments":\{"options"/, 'the shape of 2.8, which 7.2 refuses'],
  [/"cache":\{\},/, '7.2 takes an empty object for an option'],
  [
    /"query-named-block-nodes"\}/,
    'about a node whose backing file was refused, which 2.8 names by its header, and about overlays of later commands',
  ],
  [
    /"id":"vb0","bps":0,"bps_rd"|histogram/,
    'front-ends of 7.2 that the id of a device does not lead to; a later command',
  ],
  [/"execute":"nbd-server-stop"/, 'stopping what does not run is no error in 2.8'],
  [/"execute":"(blockdev-snapshot|change-backing-file)|"overlay"|new\.qcow2/, 'nodes that only later commands make'],
];

/** Members that later releases have added, or that depend on the very images and on chance. */
const ignored = new Set([
  'compression-type',
  'extended-l2',
  'actual-size',
  'backing_file_depth',
  'dirty-bitmaps',
  'encryption_key_missing',
  'active',
  'children',
  'driver-specific',
  'qdev',
  // Since 10.2.
  'limits',
  // Left out when the recorded client asked for a flat list; ours nests, as 2.8 does.
  'backing-image',
]);

const folder = mkdtempSync(join(tmpdir(), 'transcripts-'));
const here = (text: string): string => text.replaceAll('/images', folder);

/** A request as a client of 2.8 would make it. */
function translated({ execute, arguments: args = {} }: Request): { command: string; args: object } {
  const command = renamed[execute] ?? execute;
  if (execute === 'query-named-block-nodes') return { command, args: {} };
  if (execute !== 'blockdev-add') return { command, args };
  const options = JSON.parse(JSON.stringify(args), (key, value) => {
    if (key === 'backing' && value === null) return '';
    if (typeof value === 'object' && value !== null) {
      delete value['read-zeroes'];
      delete value['force-share'];
    }
    return value;
  });
  return { command, args: { options } };
}

/** A result without what cannot be compared. */
function comparable(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => comparable(item));
  if (typeof value === 'string' && value.startsWith('#block')) return '#block';
  // Null nodes have an option more in 7.2, so that their names are not plain.
  if (typeof value === 'string' && /^(json:|null-co:)/.test(value)) return 'json:';
  if (typeof value !== 'object' || value === null) return value;
  const object = value as { readonly [name: string]: unknown };
  const ofFile = key === 'image' && object.format === 'file';
  // Files have something of their own since 8.0.
  const ofFiles = ['virtual-size', 'format-specific'];
  const members = Object.entries(object).filter(
    ([name]) => !ignored.has(name) && !name.includes('zone_append') && !(ofFile && ofFiles.includes(name)),
  );
  return Object.fromEntries(members.map(([name, inner]) => [name, comparable(inner, name)]));
}

interface Exchange {
  readonly request: Request;
  readonly text: string;
  readonly reply: Message;
  /** What moved before the reply. */
  readonly trays: readonly unknown[];
}

function exchanges(name: string): Exchange[] {
  const lines = readFileSync(corpusPath('transcripts', `${name}.jsonl`), 'utf8')
    .trim()
    .split('\n');
  const found: Exchange[] = [];
  let pending: string | undefined;
  let trays: unknown[] = [];
  for (const line of lines) {
    const { dir, raw } = JSON.parse(line) as { dir: string; raw: string };
    if (dir === 'C') pending = raw;
    if (dir !== 'S' || pending === undefined) continue;
    const reply = JSON.parse(raw) as Message;
    if (reply.event === 'DEVICE_TRAY_MOVED') trays.push(reply.data);
    if (reply.event !== undefined) continue;
    found.push({ request: JSON.parse(here(pending)), text: pending, reply: JSON.parse(here(raw)), trays });
    pending = undefined;
    trays = [];
  }
  return found.filter(({ request }) => request.execute !== 'qmp_capabilities');
}

/** The recordings, with what the programs were started with. */
const files: readonly (readonly [file: string, drives: readonly string[], devices: readonly string[]])[] = [
  ['qsd-blockdev-add', [], []],
  ['qsd-nbd-server-and-exports', [], []],
  ['qsd-misc-block-commands', [], []],
  [
    'x86-block-backend-commands',
    ['file=/images/top.qcow2,if=none,id=d0,stats-intervals.0=2,stats-intervals.1=60', 'if=none,id=cd0,media=cdrom'],
    ['disk,drive=d0,id=vb0', 'cdrom,drive=cd0,id=cd'],
  ],
];

describeWithPrograms('recorded exchanges about nodes', ['qemu-img', 'qemu-io'], () => {
  describeWithCorpus('of 7.2', 'transcripts', () => {
    beforeAll(() => {
      mkdirSync(folder, { recursive: true });
      const run = (program: string, ...args: string[]) => execFileSync(program, args, { cwd: folder });
      run('qemu-img', 'create', '-q', '-f', 'raw', 'disk.raw', '1M');
      run('qemu-img', 'create', '-q', '-f', 'qcow2', 'base.qcow2', '4M');
      run('qemu-io', '-c', 'write -P 1 0 1M', 'base.qcow2');
      for (const [overlay, base] of [
        ['mid', 'base'],
        ['top', 'mid'],
      ] as const) {
        run(
          'qemu-img',
          'create',
          '-q',
          '-f',
          'qcow2',
          '-F',
          'qcow2',
          '-b',
          here(`/images/${base}.qcow2`),
          `${overlay}.qcow2`,
        );
      }
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it.each(files)('%s', async (file, drives, devices) => {
      const client = new LayerClient();
      const { layer } = client;
      let compared = 0;
      try {
        for (const drive of drives) await layer.addDrive(readDrive(here(drive), layer.registry));
        for (const device of devices) await layer.addDevice(readDevice(device));
        for (const { request, text, reply, trays } of exchanges(file)) {
          // From here on, the graph is what later commands have made of it.
          if (text.includes('"drive-mirror"')) break;
          if (newer.some(([pattern]) => pattern.test(text))) continue;
          client.events.length = 0;
          const { command, args } = translated(request);
          const ours = await client.execute(command, args).then(
            (result) => ({ return: result ?? {} }),
            (error: unknown) => {
              if (!isQmpFailure(error)) throw error;
              return { error: { class: error.class, desc: error.message } };
            },
          );
          compared++;
          const moved = client.events.filter(({ name }) => name === 'DEVICE_TRAY_MOVED').map(({ data }) => data);
          expect({ text, moved }).toEqual({ text, moved: trays });
          if (reply.error !== undefined)
            expect({ text, class: 'error' in ours ? ours.error.class : undefined }).toEqual({
              text,
              class: reply.error.class,
            });
          else expect({ text, ...(comparable(ours) as object) }).toEqual({ text, ...(comparable(reply) as object) });
        }
      } finally {
        await client.layer.close();
      }
      expect(compared).toBeGreaterThan(8);
    });
  });
});
