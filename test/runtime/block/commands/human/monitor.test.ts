import { describe, expect, it } from 'vitest';
import type { BlockDeviceInfo, BlockInfo } from '../../../../../generated/index.js';
import type { HumanMonitor } from '../../../../../runtime/block/commands/human/command.js';
import { humanMonitorCommands } from '../../../../../runtime/block/commands/human/monitor.js';
import type { DriveConfig } from '../../../../../runtime/block/drive/config.js';
import { BlockError } from '../../../../../runtime/block/error.js';
import type { BlockOptions } from '../../../../../runtime/block/options.js';
import { Taken } from '../../drive/registry.js';

const image = { filename: 'a.qcow2', format: 'qcow2', 'virtual-size': 4096, 'dirty-flag': false };
const node: BlockDeviceInfo = {
  ...{
    file: 'a.qcow2',
    'node-name': 'n',
    ro: true,
    children: [],
    active: true,
    drv: 'qcow2',
    backing_file: 'b.raw',
    backing_file_depth: 1,
  },
  ...{ encrypted: false, encryption_key_missing: false, detect_zeroes: 'unmap', write_threshold: 0 },
  ...{ bps: 10, bps_rd: 0, bps_wr: 0, iops: 0, iops_rd: 0, iops_wr: 0, group: 'g' },
  cache: { writeback: false, direct: true, 'no-flush': true },
  image: { ...image, 'backing-image': { ...image, filename: 'b.raw', format: 'raw' } },
};
const devices: BlockInfo[] = [
  { device: 'd', type: 'unknown', removable: true, locked: false, tray_open: true },
  { device: 'e', type: 'unknown', removable: false, locked: false, inserted: node, 'io-status': 'nospace' },
];

class Monitor implements HumanMonitor {
  readonly registry = new Taken();
  readonly drives: DriveConfig[] = [];
  readonly added: BlockOptions[] = [];
  readonly deleted: string[] = [];

  async addDrive(config: DriveConfig): Promise<void> {
    if (config.filename === 'missing') throw new BlockError("Could not open 'missing': No such file or directory");
    if (config.filename === 'mistake') throw new TypeError('a mistake of ours');
    this.registry.add(config);
    this.drives.push(config);
  }

  async addNode(options: BlockOptions): Promise<void> {
    this.added.push(options);
  }

  async deleteDrive(name: string): Promise<void> {
    if (name === 'gone') throw new BlockError("Device 'gone' not found");
    this.deleted.push(name);
  }

  devices = async () => devices;
  nodes = async () => [node];
  readonly ran: unknown[] = [];

  async run(name: string, args: object): Promise<never> {
    this.ran.push([name, args]);
    return [] as never;
  }

  async commit(device: string): Promise<void> {
    this.ran.push(['commit', device]);
  }

  async io(name: string, line: string): Promise<readonly string[]> {
    return [`${name}: ${line}`];
  }
}

/** What a monitor prints for lines, one after the other. */
async function lines(monitor: Monitor, ...commands: string[]): Promise<string[]> {
  const { 'human-monitor-command': run } = humanMonitorCommands(monitor);
  const printed: string[] = [];
  for (const line of commands) printed.push(await run({ 'command-line': line }));
  return printed;
}

const one = async (line: string): Promise<string> => (await lines(new Monitor(), line))[0] ?? '';

describe('drive_add', () => {
  it('adds drives that have no interface', async () => {
    const monitor = new Monitor();
    expect(
      await lines(
        monitor,
        'drive_add 0 if=none,id=d0,file=a.qcow2,copy-on-read=on',
        'drive_add  0:1.0  "file=with space"  ',
        'drive_add 0 if=none,id=d0',
      ),
    ).toEqual(['OK\r\n', 'OK\r\n', "Error: There is a device 'd0' already\r\n"]);
    expect(monitor.drives).toMatchObject([
      { id: 'd0', copyOnRead: true },
      { id: 'none1', filename: 'with space' },
    ]);
  });

  it('prints warnings before the result', async () => {
    expect(await one('drive_add 0 if=none,readonly=on,copy-on-read=on')).toMatch(
      /^warning: .*copy-on-read.*\r\nOK\r\n$/,
    );
  });

  it.each([
    ['drive_add 0 if=ide,id=d0', /if=ide cannot be added/],
    ['drive_add 0 if=none,addr=3', /'addr' is for if=virtio/],
    ['drive_add 0 if=none,id=1d', /'id' expects an identifier, not '1d'/],
    ['drive_add 0 if=none,file=missing', /^Error: Could not open 'missing': No such file or directory\r\n$/],
    ['drive_add', /^drive_add: an argument is missing\r\nTry "help drive_add"/],
    ['drive_add 0', /an argument is missing/],
    ['drive_add -n 0', /an argument is missing/],
    ['drive_add 0 a=b c', /'c' is one argument too many/],
    ['drive_add -x 0 a=b', /unsupported option -x/],
  ])('%s: reports why it is refused', async (line, message) => {
    expect(await one(line)).toMatch(message);
  });

  it('frees the id of a drive that it could not add', async () => {
    const monitor = new Monitor();
    await lines(monitor, 'drive_add 0 id=x,file=missing');
    expect(await lines(monitor, 'drive_add 0 id=x')).toEqual(['OK\r\n']);
  });

  it('adds nodes with -n, and prints nothing', async () => {
    const monitor = new Monitor();
    expect(await lines(monitor, 'drive_add -n 0 driver=null-co,node-name=n,size=1M')).toEqual(['']);
    expect([...(monitor.added[0] as BlockOptions).entries()]).toEqual([
      ['driver', 'null-co'],
      ['node-name', 'n'],
      ['size', '1M'],
    ]);
    expect(await one('drive_add -n 0 driver=null-co')).toMatch(/'node-name' must be specified/);
    expect(await one('drive_add -n 0 driver=null-co,node-name=n,id=x')).toMatch(/no 'id'/);
  });

  it('does not hide our own mistakes', async () => {
    await expect(one('drive_add 0 file=mistake')).rejects.toThrow(TypeError);
  });
});

describe('drive_del', () => {
  it('deletes a drive, and reports one that does not exist', async () => {
    const monitor = new Monitor();
    expect(await lines(monitor, 'drive_del d0', 'drive_del gone')).toEqual(['', "Error: Device 'gone' not found\r\n"]);
    expect(monitor.deleted).toEqual(['d0']);
  });
});

describe('help', () => {
  it('names copy-on-read beside readonly', async () => {
    expect(await one('help drive_add')).toContain('[,readonly=on|off][,copy-on-read=on|off]');
    expect(await one('help')).toContain('copy-on-read');
  });

  it('explains one command or all', async () => {
    expect(await one('help drive_del')).toMatch(/^drive_del device -- .*\r\n$/);
    expect(await one('help info')).toMatch(/^info block .*\r\ninfo block-jobs .*\r\n(.*\r\n)*info subject .*\r\n$/);
    expect(await one('info')).toBe(await one('help info'));
    expect(await one('help foo')).toBe("unknown command: 'foo'\r\n");
  });
});

describe('info block', () => {
  it('describes devices and their media', async () => {
    expect(await one('info block')).toBe(
      [
        'd: [not inserted]',
        '    Removable device: not locked, tray open',
        '',
        'e (n): a.qcow2 (qcow2, read-only)',
        '    Fixed device:     always there',
        '    I/O status:       nospace',
        '    Cache mode:       writethrough, direct, ignores flushes',
        '    Backing file:     b.raw (chain depth: 1)',
        '    Detect zeroes:    unmap',
        '    I/O throttling:   bps=10 group=g',
        '',
      ].join('\r\n'),
    );
    expect(await one('info block d')).toBe('d: [not inserted]\r\n    Removable device: not locked, tray open\r\n');
    expect(await one('info block x')).toBe('');
  });

  it('describes nodes with -n, and images with -v', async () => {
    expect(await one('info block -n')).toMatch(/^n: a.qcow2 \(qcow2, read-only\)\r\n {4}Cache mode/);
    expect(await one('info block -nv n')).toMatch(/image: a.qcow2\r\n[\s\S]*image: b.raw\r\nfile format: raw/);
    expect(await one('info block -n -v x')).toBe('');
  });
});

describe('another line', () => {
  it.each(['', '  '])('%j prints nothing', async (line) => {
    expect(await one(line)).toBe('');
  });

  it.each([
    ['foo bar', 'foo'],
    ['info foo', 'info foo'],
    ['__proto__', '__proto__'],
  ])('%s is reported as unknown', async (line, name) => {
    expect(await one(line)).toBe(`unknown command: '${name}'\r\n`);
  });
});
