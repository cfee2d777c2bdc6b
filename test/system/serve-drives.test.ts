import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { planServer } from '../../cli/serve/plan.js';
import { driveOptions } from '../../runtime/block/drive/options.js';
import { BlockLayer, builtInDrivers } from '../../runtime/block/index.js';
import { describeWithPrograms, seed } from './programs.js';

/** What a program makes of drives: what it shows of them, or that it refuses. */
type Outcome = 'refused' | readonly ShownDrive[];

interface ShownDrive {
  readonly device: string;
  readonly inserted?: {
    readonly drv: string;
    readonly ro: boolean;
    readonly detect_zeroes: string;
    readonly cache: object;
    readonly bps: number;
    readonly iops_rd: number;
    readonly group?: string;
    readonly iops_size?: number;
  };
}

/** What both programs show of a drive. */
const shown = ({ device, inserted }: ShownDrive) => ({
  device,
  ...(inserted && {
    drv: inserted.drv,
    ro: inserted.ro,
    detectZeroes: inserted.detect_zeroes,
    cache: inserted.cache,
    limits: [inserted.bps, inserted.iops_rd, inserted.iops_size, inserted.group],
  }),
});

/** What QEMU returns for commands. Nothing when it does not start. */
async function answers(args: readonly string[], commands: readonly object[]): Promise<unknown[]> {
  const basics = ['-machine', 'none', '-display', 'none', '-S', '-nodefaults', '-qmp', 'stdio'];
  const program = spawn('qemu-system-x86_64', [...basics, ...args], { stdio: ['pipe', 'pipe', 'ignore'] });
  program.stdin.on('error', () => {});
  const requests = [
    { execute: 'qmp_capabilities' },
    ...commands.map((command) => ({ ...command, id: 1 })),
    { execute: 'quit' },
  ];
  program.stdin.end(requests.map((request) => JSON.stringify(request)).join('\n'));
  const returned: unknown[] = [];
  for await (const line of createInterface(program.stdout)) {
    const message = line.startsWith('{') ? JSON.parse(line) : {};
    if (message.id === 1) returned.push(message.return);
  }
  if (program.exitCode === null) await once(program, 'exit');
  return returned;
}

/** QEMU with drives. */
async function real(drives: readonly string[]): Promise<Outcome> {
  const [result] = await answers(
    drives.flatMap((drive) => ['-drive', drive]),
    [{ execute: 'query-block' }],
  );
  return Array.isArray(result) ? result.map(shown as never) : 'refused';
}

/** Our block layer with drives. */
async function ours(drives: readonly string[]): Promise<Outcome> {
  const { plan, problems } = planServer({ drive: drives }, { drivers: builtInDrivers() });
  if (problems.length > 0) return 'refused';
  const layer = new BlockLayer({ events: { emit: () => {} } });
  try {
    for (const { config } of plan.drives) await layer.addDrive(config);
    const context = { command: 'query-block', outOfBand: false, signal: new AbortController().signal };
    return (await layer.handlers['query-block']({}, context)).map(shown as never);
  } catch (error) {
    if ((error as Error).name !== 'BlockError') throw error;
    return 'refused';
  } finally {
    await layer.close();
  }
}

const image = 'file=disk.raw,format=raw';

/** Drives that stand beside each other, or are refused, in both programs alike. */
const cases: readonly (readonly string[])[] = [
  [
    'if=none',
    'if=none,id=x',
    'if=none',
    'if=none,unit=7',
    'if=none,media=cdrom',
    'if=none,index=9',
    'if=none,unit=0x10',
  ],
  [
    'if=none,id=x,file=',
    'if=none,id=y,detect-zeroes=on',
    'if=none,read-only=on',
    'if=none,aio=native',
    'if=none,group=g',
  ],
  ['if=none,index=1,bus=0', 'if=none,bps=1,iops=3', 'if=none,stats-intervals.0=5'],
  ...['writeback', 'none', 'off', 'writethrough', 'directsync', 'unsafe'].map((mode) => [
    `if=none,${image},cache=${mode}`,
  ]),
  [`if=none,${image},cache=writethrough,cache.writeback=on`],
  [`if=none,${image},cache.no-flush=on,cache=writeback`],
  [`if=none,${image},readonly=on`],
  [`if=none,${image},media=cdrom,read-only=off`],
  [`if=none,${image},snapshot=on`],
  [`if=none,${image},snapshot=on,read-only=on`],
  [`if=none,${image},detect-zeroes=unmap`],
  [`if=none,${image},discard=on`],
  [`if=none,${image},bps=1000,iops_rd=7,iops_size=4096,group=g`, 'if=none,file=small.qcow2,format=qcow2,iops_rd=3'],
  [`if=none,${image},throttling.iops-read=7,throttling.iops-read-max=70,throttling.iops-read-max-length=3`],
  ['if=none,file=small.qcow2,copy-on-read=on,read-only=on'],
  ['if=none,file=small.qcow2,lazy-refcounts=on'],
  ['if=none,file=small.qcow2,format=raw,format=qcow2'],
  ['if=none,driver=qcow2,file.driver=file,file.filename=small.qcow2'],
  ['if=none,file.filename=disk.raw'],
  ['if=none,file=json:{"driver":"raw",,"file":{"driver":"null-co",,"size":512}}'],
  ['if=none,driver=null-co,size=4096,node-name=n'],
  // From here on, refused.
  ...['cache=none', 'discard=unmap', 'node-name=n', 'format=raw', 'bogus=1', 'stats-intervals=5'].map((option) => [
    `if=none,id=x,${option}`,
  ]),
  ['if=none,id=x', 'if=none,id=x'],
  ['if=none,id=x', 'if=none,driver=null-co,node-name=x'],
  ['if=none,unit=3', 'if=none,index=3'],
  ...[
    ...[
      'id=1bad',
      'if=bogus',
      'index=1,bus=1',
      'index=1,unit=0',
      'unit=a',
      'media=tape',
      'cache=bogus',
      'bps=1k',
      'bps=-1',
    ],
    ...[
      'stats-intervals.0=0',
      'stats-intervals.1=5',
      'stats-intervals.a=1',
      'driver=raw',
      'werror=foo',
      'rerror=enospc',
    ],
    ...[
      'werror=auto',
      'detect-zeroes=foo',
      'aio=native',
      'aio=foo',
      'discard=foo',
      'cache.writeback=maybe',
      'bps=1,bps_rd=1',
    ],
    ...[
      'bps=1,throttling.bps-total=1',
      'iops_size=4096',
      'throttling.bps-total-max-length=0,bps_max=4,bps=2',
      'bps_max=4',
    ],
    ...['throttling.foo=3', 'filename=foo', 'copy-on-read=1', 'read-only=on,readonly=off', 'bps=99999999999999999999'],
  ].map((option) => [`if=none,${image},${option}`]),
  ['if=none,file=nope.raw,format=raw'],
  ['if=none,file=disk.raw,format=nope'],
  ['if=none,file=nope:disk'],
  ['if=none,file=json:{"driver":"null-co"},format=raw'],
];

describeWithPrograms('drives, as QEMU 7.2 takes them', ['qemu-system-x86_64', 'qemu-img'], () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'qapi-ts-drives-'));
    execFileSync('qemu-img', ['create', '-q', '-f', 'raw', join(folder, 'disk.raw'), '1M']);
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', join(folder, 'small.qcow2'), '1M']);
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  const inFolder = (drive: string): string => drive.replace(/(disk\.raw|small\.qcow2|nope\.raw)/g, join(folder, '$1'));

  test.each(cases.map((drives) => ({ drives, title: drives.join(' ') })))('$title', async ({ drives }) => {
    const texts = drives.map(inFolder);
    expect(await ours(texts)).toEqual(await real(texts));
  });

  test('accepts and refuses any options together as QEMU does', async () => {
    // Each value is right, or wrong, in every release since 2.8. Intervals are not checked for empty drives there.
    const values: Readonly<Record<string, readonly string[]>> = {
      file: ['disk.raw', 'small.qcow2', 'small.qcow2', '', 'json:{"driver":"null-co"}', 'file:disk.raw', 'nope.raw'],
      format: ['raw', 'qcow2', 'null-co', 'nope'],
      driver: ['raw', 'qcow2', 'null-co', 'file'],
      id: ['a', 'a.b-c_d', '1'],
      index: ['0', '1'],
      unit: ['0', '0x2', ''],
      bus: ['0', '1'],
      media: ['disk', 'cdrom', 'x'],
      snapshot: ['on', 'off'],
      cache: ['none', 'off', 'writeback', 'unsafe', 'directsync', ''],
      'cache.direct': ['on', 'off'],
      'cache.no-flush': ['on', 'off', 'x'],
      'cache.writeback': ['on', 'off'],
      aio: ['threads', 'native'],
      discard: ['on', 'unmap', 'off', 'ignore', 'x'],
      'detect-zeroes': ['on', 'off', 'unmap', 'x'],
      'read-only': ['on', 'off'],
      readonly: ['on', 'off'],
      'copy-on-read': ['on', 'off'],
      bps: ['0', '1', '100', '1000000000000001'],
      bps_rd: ['0', '5'],
      bps_max: ['0', '7', '200'],
      iops: ['0', '9'],
      iops_size: ['0', '4096'],
      'throttling.bps-total-max-length': ['0', '1', '2'],
      'throttling.iops-read': ['3', '-1'],
      group: ['g'],
      werror: ['stop', 'enospc', 'x'],
      rerror: ['ignore', 'enospc'],
      'stats-account-failed': ['on', 'x'],
      'node-name': ['n', 'a', '0'],
      'lazy-refcounts': ['on'],
      'file.driver': ['file', 'null-co'],
      'file.filename': ['disk.raw'],
      'file.cache.direct': ['on', 'off'],
      bogus: ['1'],
    };
    const entry = fc
      .constantFrom(...Object.keys(values))
      .chain((name) =>
        fc.constantFrom(...(values[name] ?? [])).map((value) => `${name}=${value.replaceAll(',', ',,')}`),
      );
    const drive = fc
      .uniqueArray(entry, { maxLength: 6, selector: (text) => text.split('=')[0] })
      .map((entries) => ['if=none', ...entries].join(','));
    await fc.assert(
      fc.asyncProperty(drive, async (text) => {
        expect(await ours([inFolder(text)])).toEqual(await real([inFolder(text)]));
      }),
      { numRuns: 80, seed },
    );
  });
});

/** Lines of the human monitor, one after the other. */
const lines = [
  ...[
    'drive_add 0 if=none,id=d0,driver=null-co',
    'drive_add 0 if=none,id=d0',
    'drive_add 0 if=none',
    'drive_add 0 if=bogus',
  ],
  ...[
    'drive_add 0 if=virtio,driver=null-co',
    'drive_add 0 if=none,addr=3',
    'drive_add 0 if=none,id=x,file=/nonexistent/a',
  ],
  ...['drive_add 0 if=none,id=x', 'drive_del x', 'drive_add 0 if=none,id=x', 'drive_add 0 if=none,id=1d'],
  ...[
    'drive_add -n 0 driver=null-co',
    'drive_add -n 0 driver=null-co,node-name=n',
    'drive_add -n 0 driver=null-co,node-name=n',
  ],
  ...['drive_add 0 if=none,id=n', 'drive_del n', 'drive_del n', 'drive_del d0', 'drive_del nothing', 'drive_del'],
  ...[
    'drive_add',
    'drive_add 0',
    'drive_add -n',
    'drive_add -x 0 a=b',
    'drive_add 0 a b',
    'drive_add "0" "if=none,id=quoted"',
  ],
  ...['foo', 'info foo', 'help foo', '', '  ', 'info block nothing', 'info block -n nothing'],
];

describeWithPrograms('lines of the human monitor, as QEMU 7.2 takes them', ['qemu-system-x86_64'], () => {
  test('executes the HMP lines that QEMU does, or refuses them', async () => {
    const command = (line: string) => ({ execute: 'human-monitor-command', arguments: { 'command-line': line } });
    const layer = new BlockLayer({ events: { emit: () => {} } });
    const context = { command: 'human-monitor-command', outOfBand: false, signal: new AbortController().signal };
    const here: string[] = [];
    for (const line of lines) {
      here.push(await layer.handlers['human-monitor-command']({ 'command-line': line }, context));
    }
    await layer.close();
    const there = (await answers([], lines.map(command))) as string[];
    /** The words of refusals are our own. */
    const done = (printed: string[]) =>
      printed.map(
        (text, index) => `${lines[index]}: ${text === '' ? 'silence' : text.endsWith('OK\r\n') ? 'OK' : 'refused'}`,
      );
    expect(done(here)).toEqual(done(there));
  });
});

describeWithPrograms('options of drives, as QEMU 7.2 tells of them', ['qemu-system-x86_64'], () => {
  test('lists all options of QEMU, with the same types', async () => {
    const [result] = await answers([], [{ execute: 'query-command-line-options', arguments: { option: 'drive' } }]);
    const [{ parameters } = { parameters: [] }] = result as { parameters: { name: string; type: string }[] }[];
    expect(parameters.length).toBeGreaterThan(30);
    expect(parameters.filter(({ name, type }) => driveOptions[name]?.type !== type)).toEqual([]);
  });
});
