/*
 * What a server needs for the examples of the documentation: images, options, and commands that are executed before. Names of
 * files are in a folder of their own.
 */

/** What a server is started with for an example. */
export interface SetUp {
  /** Images, by their names: the arguments of `qemu-img create` after the name, and the format in front of it. */
  readonly images?: { readonly [name: string]: readonly [format: string, ...rest: string[]] };
  /** Links to files of the machine. */
  readonly links?: { readonly [name: string]: string };
  readonly options?: readonly string[];
  /** Commands that are executed before: name and arguments. */
  readonly before?: readonly (readonly [name: string, args?: object])[];
  /** The client has not left the negotiation. Default: `false`. */
  readonly greeted?: boolean;
}

const disk = { 'disk.qcow2': ['qcow2', '4M'] } as const;
const chain = {
  'base.qcow2': ['qcow2', '4M'],
  'master.qcow2': ['qcow2', '-b', 'base.qcow2', '-F', 'qcow2'],
  'snap1.qcow2': ['qcow2', '-b', 'master.qcow2', '-F', 'qcow2'],
  'top.qcow2': ['qcow2', '-b', 'snap1.qcow2', '-F', 'qcow2'],
} as const;

/** A drive over an image. */
function drive(id: string, file = 'disk.qcow2', more = ''): string {
  return `if=none,id=${id},file=${file},format=${file.endsWith('.qcow2') ? 'qcow2' : 'raw'}${more}`;
}

function withDrive(id: string): SetUp {
  return { images: disk, options: ['--drive', drive(id)] };
}

/** A drive in which a disc may be, with a device of another name. */
function withDiscDrive(device: string, medium: boolean): SetUp {
  const id = 'ide1-cd0';
  return {
    images: { 'cd.iso': ['raw', '1M'], 'fedora.iso': ['raw', '1M'], 'Fedora-12-x86_64-DVD.iso': ['raw', '1M'] },
    options: [
      '--drive',
      medium ? drive(id, 'cd.iso', ',media=cdrom') : `if=none,id=${id},media=cdrom`,
      '--device',
      `cdrom,drive=${id},id=${device}`,
    ],
  };
}

/** A drive over a node of its own name, so that commands about either find it. */
function withNode(name: string, more: Partial<SetUp> = {}): SetUp {
  return {
    images: disk,
    options: ['--blockdev', `qcow2,node-name=${name},file.driver=file,file.filename=disk.qcow2`],
    ...more,
  };
}

const bitmap = (name: string): readonly [string, object] => ['block-dirty-bitmap-add', { node: 'drive0', name }];
const quorum: SetUp = {
  images: { 'one.raw': ['raw', '1M'], 'two.raw': ['raw', '1M'], 'three.raw': ['raw', '1M'], 'test.raw': ['raw', '1M'] },
  before: [
    [
      'blockdev-add',
      {
        driver: 'quorum',
        'node-name': 'disk1',
        'vote-threshold': 2,
        children: ['one', 'two', 'three'].map((name) => ({ driver: 'file', filename: `${name}.raw` })),
      },
    ],
  ],
};
const unaccounted = 'stats-account-invalid=off,stats-account-failed=off';
/** The drives of which `query-block` and `query-blockstats` show what there is. */
const machine: SetUp = {
  images: {
    'base.qcow2': ['qcow2', '2048000'],
    'test.qcow2': ['qcow2', '-b', 'base.qcow2', '-F', 'qcow2'],
  },
  options: [
    '--drive',
    'if=ide,file=test.qcow2,format=qcow2,detect-zeroes=on,throttling.bps-total=1000000,throttling.iops-total=1000000,throttling.bps-total-max=8000000,stats-account-failed=off,stats-account-invalid=on',
    '--drive',
    `if=ide,media=cdrom,index=2,${unaccounted}`,
    '--drive',
    `if=floppy,${unaccounted}`,
    '--drive',
    `if=none,id=sd0,${unaccounted}`,
  ],
  before: [
    ['blockdev-snapshot-internal-sync', { device: 'ide0-hd0', name: 'snapshot1' }],
    ['human-monitor-command', { 'command-line': 'qemu-io ide0-hd0 "read 0 512"' }],
  ],
};

/** By the names of the examples. What is not here needs nothing. */
export const setUps: { readonly [example: string]: SetUp } = {
  'query-block': machine,
  'query-blockstats': machine,
  block_resize: withDrive('scratch'),
  'blockdev-snapshot-sync': withDrive('ide-hd0'),
  'blockdev-snapshot': { images: { ...disk, 'hd1.qcow2': ['qcow2', '4M'] }, options: ['--drive', drive('ide-hd0')] },
  'block-commit': { images: chain, options: ['--drive', drive('virtio0', 'top.qcow2')] },
  'block-stream': { images: chain, options: ['--drive', drive('virtio0', 'top.qcow2')] },
  'drive-backup': withDrive('drive0'),
  'blockdev-backup': {
    images: { ...disk, 'target.qcow2': ['qcow2', '4M'] },
    options: ['--drive', drive('src-id'), '--drive', drive('tgt-id', 'target.qcow2')],
  },
  'blockdev-mirror': {
    images: { ...disk, 'target.qcow2': ['qcow2', '4M'] },
    options: [
      '--drive',
      drive('ide-hd0'),
      '--blockdev',
      'qcow2,node-name=target0,file.driver=file,file.filename=target.qcow2',
    ],
  },
  'query-named-block-nodes': {
    ...machine,
    options: ['--drive', 'if=none,id=d0,node-name=my-node,file=test.qcow2,format=qcow2'],
    before: [['blockdev-snapshot-internal-sync', { device: 'd0', name: 'snapshot1' }]],
  },
  'drive-mirror': withDrive('ide-hd0'),
  'block-dirty-bitmap-add': withNode('drive0'),
  'block-dirty-bitmap-remove': withNode('drive0', { before: [bitmap('bitmap0')] }),
  'block-dirty-bitmap-clear': withNode('drive0', { before: [bitmap('bitmap0')] }),
  'block-dirty-bitmap-enable': withNode('drive0', { before: [bitmap('bitmap0')] }),
  'block-dirty-bitmap-disable': withNode('drive0', { before: [bitmap('bitmap0')] }),
  'block-dirty-bitmap-merge': withNode('drive0', { before: [bitmap('bitmap0'), bitmap('bitmap1')] }),
  'blockdev-add 1': { images: { 'test.qcow2': ['qcow2', '1M'] } },
  'blockdev-add 2': { images: { 'test.qcow2': ['qcow2', '1M'], '4': ['raw', '1M'] } },
  'blockdev-del': { images: { 'test.qcow2': ['qcow2', '1M'] } },
  'blockdev-set-active': withNode('node0'),
  'block-set-write-threshold': withNode('mydev'),
  'x-blockdev-change 1': quorum,
  'x-blockdev-change 2': quorum,
  'x-blockdev-set-iothread 1': withNode('disk1', {
    before: [['object-add', { 'qom-type': 'iothread', id: 'iothread0' }]],
  }),
  'x-blockdev-set-iothread 2': withNode('disk1'),
  'blockdev-snapshot-internal-sync': withDrive('ide-hd0'),
  'blockdev-snapshot-delete-internal-sync': {
    ...withDrive('ide-hd0'),
    before: [['blockdev-snapshot-internal-sync', { device: 'ide-hd0', name: 'snapshot0' }]],
  },
  eject: withDiscDrive('ide1-0-1', true),
  'blockdev-open-tray': withDiscDrive('ide0-1-0', true),
  'blockdev-close-tray': { ...withDiscDrive('ide0-1-0', true), before: [['blockdev-open-tray', { id: 'ide0-1-0' }]] },
  'blockdev-remove-medium': withDiscDrive('ide0-1-0', true),
  'blockdev-insert-medium': {
    ...withDiscDrive('ide0-1-0', false),
    before: [['blockdev-open-tray', { id: 'ide0-1-0' }]],
  },
  'blockdev-change-medium 1': withDiscDrive('ide0-1-0', true),
  'blockdev-change-medium 2': {
    images: { 'floppy.img': ['raw', '1440k'] },
    // Not even root may write this one.
    links: { 'ro.img': '/sys/kernel/vmcoreinfo' },
    options: ['--drive', drive('floppy0', 'floppy.img'), '--device', 'floppy,drive=floppy0,id=floppyA'],
  },
  'block_set_io_throttle 1': {
    images: disk,
    options: ['--drive', drive('drive0')],
    before: [['device_add', { driver: 'virtio-blk-pci', id: 'virtio-blk-pci0', drive: 'drive0' }]],
  },
  'block_set_io_throttle 2': withDiscDrive('ide0-1-0', true),
  'block-latency-histogram-set 1': withDrive('drive0'),
  'block-latency-histogram-set 2': withDrive('drive0'),
  'block-latency-histogram-set 3': withDrive('drive0'),
  'block-latency-histogram-set 4': withDrive('drive0'),
  transaction: {
    images: {
      ...disk,
      'file.qcow2': ['qcow2', '4M'],
      'hd1.qcow2': ['qcow2', '4M'],
      'hd2.qcow2': ['qcow2', '4M'],
      'my-image2': ['qcow2', '4M'],
    },
    options: [
      '--drive',
      drive('ide-hd0'),
      '--blockdev',
      'qcow2,node-name=myfile,file.driver=file,file.filename=file.qcow2',
      '--drive',
      drive('ide-hd1', 'hd1.qcow2'),
      '--drive',
      drive('ide-hd2', 'hd2.qcow2'),
    ],
  },
  'object-del': { before: [['object-add', { 'qom-type': 'iothread', id: 'rng1' }]] },
  qmp_capabilities: { greeted: true },
  'query-name': { options: ['--name', 'qemu-name'] },
  'query-iothreads': { options: ['--object', 'iothread,id=iothread0', '--object', 'iothread,id=iothread1'] },
  'device_del 1': {
    ...withNode('disk'),
    before: [['device_add', { driver: 'virtio-blk', id: 'net1', drive: 'disk' }]],
  },
};
