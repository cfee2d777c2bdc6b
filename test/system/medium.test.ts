import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { BlockInfo } from '../../generated/index.js';
import { readDrive } from '../../runtime/block/drive/read-drive.js';
import { isQmpFailure } from '../../runtime/qmp/error.js';
import type { AnySchema } from '../../runtime/qmp/schema.js';
import { type SpawnedProgram, spawnQemu } from '../../runtime/qmp/spawn.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { describeWithPrograms, seed } from './programs.js';

const kinds = ['cdrom', 'floppy', 'disk'] as const;
const drives = [...kinds, 'none'] as const;
const nodes = ['n1', 'n2'] as const;

/** Commands that later releases call otherwise. */
const renamed: { readonly [name: string]: string } = {
  'x-blockdev-insert-medium': 'blockdev-insert-medium',
  'x-blockdev-remove-medium': 'blockdev-remove-medium',
};

/** Each program has images of its own, since both lock them. */
const programs = ['ours', 'theirs'] as const;
type Program = (typeof programs)[number];

interface Step {
  readonly command: string;
  readonly args: { readonly [name: string]: string | boolean };
}

/** Everything that can be done to media, with names that are there and names that are not. */
const step: fc.Arbitrary<Step> = fc
  .record({
    who: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...kinds.map((kind) => ({ id: `dev-${kind}` }))) },
      { weight: 8, arbitrary: fc.constantFrom(...drives.map((device) => ({ device }))) },
      {
        weight: 1,
        arbitrary: fc.constantFrom({ device: 'missing' }, { id: 'missing' }, {}, { device: 'none', id: 'dev-disk' }),
      },
    ),
    what: fc.oneof(
      fc.constantFrom<Step>(
        { command: 'blockdev-open-tray', args: {} },
        { command: 'blockdev-open-tray', args: { force: true } },
        { command: 'blockdev-close-tray', args: {} },
        { command: 'x-blockdev-remove-medium', args: {} },
        { command: 'eject', args: {} },
        { command: 'eject', args: { force: true } },
      ),
      fc.constantFrom(...nodes, 'missing').map((name) => ({
        command: 'x-blockdev-insert-medium',
        args: { 'node-name': name },
      })),
      fc
        .record({
          filename: fc.constantFrom('new', 'new', 'missing'),
          mode: fc.constantFrom('retain', 'read-only', 'read-write'),
        })
        .map(({ filename, mode }) => ({
          command: 'blockdev-change-medium',
          args: { filename, format: 'raw', 'read-only-mode': mode },
        })),
    ),
  })
  .map(({ who, what }) => {
    const names: { device?: string; id?: string } = who;
    // Later releases insert and remove by the id of the device only.
    const byId = what.command in renamed && names.device !== undefined ? { id: `dev-${names.device}` } : names;
    return { command: what.command, args: { ...byId, ...what.args } };
  });

/** What is compared of a device. */
function view({ device, removable, locked, tray_open, 'io-status': status, inserted }: BlockInfo): object {
  const { file, ro, drv } = inserted ?? {};
  return { device, removable, locked, tray_open, status, file: file && basename(file), ro, drv };
}

/**
 * The emulator's devices without a guest, and ours, do the same in the same order. Nothing is put back between runs: every run
 * begins where the one before has left both.
 */
describeWithPrograms('media and trays', ['qemu-system-x86_64'], () => {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-media-'));
  const path = (program: Program, name: string): string => join(folder, program, name);
  const ours = new LayerClient();
  let theirs: SpawnedProgram<AnySchema>;
  const moved: unknown[] = [];
  let images = 0;

  /** An image of its own for each use, since images are locked. */
  function newImage(name = `image-${++images}`): string {
    for (const program of programs) {
      writeFileSync(path(program, name), '');
      truncateSync(path(program, name), 1_474_560);
    }
    return name;
  }

  beforeAll(async () => {
    for (const program of programs) mkdirSync(join(folder, program));
    for (const name of [...drives, ...nodes]) newImage(name);
    const textsFor = (program: Program): string[] =>
      drives.map((name) => `if=none,id=${name},file=${path(program, name)},format=raw`);
    const devices = ['virtio-scsi-pci', 'scsi-cd,drive=cdrom,id=dev-cdrom', 'scsi-hd,drive=disk,id=dev-disk'];
    theirs = await spawnQemu({
      args: [
        ...['-machine', 'pc', '-nodefaults', '-display', 'none', '-S'],
        ...textsFor('theirs').flatMap((text) => ['-drive', text]),
        ...[...devices, 'floppy,drive=floppy,id=dev-floppy'].flatMap((device) => ['-device', device]),
      ],
    });
    theirs.client.on('DEVICE_TRAY_MOVED', ({ data }) => moved.push(data));
    for (const text of textsFor('ours')) await ours.layer.addDrive(readDrive(text, ours.layer.registry));
    for (const kind of kinds) await ours.layer.addDevice({ kind, drive: kind, id: `dev-${kind}`, locked: false });
    for (const name of nodes) {
      const optionsFor = (program: Program) => ({
        driver: 'raw',
        'node-name': name,
        file: { driver: 'file', filename: path(program, name) },
      });
      await ours.execute('blockdev-add', { options: optionsFor('ours') });
      await theirs.client.execute('blockdev-add', optionsFor('theirs'));
    }
  });
  afterAll(async () => {
    await theirs.close();
    await ours.layer.close();
    rmSync(folder, { recursive: true });
  });

  /** The class of the error that a command is answered with, if any, and its text. */
  async function outcome(execution: Promise<unknown>): Promise<{ readonly type: string; readonly text?: string }> {
    try {
      await execution;
      return { type: 'success' };
    } catch (error) {
      if (!isQmpFailure(error)) throw error;
      return { type: error.class, text: error.message };
    }
  }

  async function compare({ command, args }: Step): Promise<void> {
    const image = args.filename === 'new' ? newImage() : 'missing';
    const argsFor = (program: Program): Step['args'] =>
      'filename' in args ? { ...args, filename: path(program, image) } : args;
    const wanted = await outcome(theirs.client.execute(renamed[command] ?? command, argsFor('theirs')));
    const made = await outcome(ours.execute(command, argsFor('ours')));
    expect(made.type, JSON.stringify({ command, args, made, wanted })).toBe(wanted.type);
    const events = ours.events.splice(0).map(({ data }) => data);
    const [shown, info] = [await theirs.client.execute('query-block'), await ours.execute('query-block')];
    expect((info as BlockInfo[]).map(view)).toEqual((shown as unknown as BlockInfo[]).map(view));
    expect(events).toEqual(moved.splice(0));
  }

  it('trays and media behave as in QEMU, whatever is done to them in which order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
        for (const each of steps) await compare(each);
      }),
      { numRuns: 60, seed, endOnFailure: true },
    );
  });
});
