/** Values such as a manager of virtual machines sends and receives. */

function snapshot(id: number): object {
  return {
    id: String(id),
    name: `before-update-${id}`,
    'vm-state-size': 0,
    'date-sec': 1_477_000_000 + 86_400 * id,
    'date-nsec': 123_456_789,
    'vm-clock-sec': 3600 * id,
    'vm-clock-nsec': 77_000_000,
  };
}

const qcow2Facts = {
  type: 'qcow2',
  data: { compat: '1.1', 'lazy-refcounts': false, corrupt: false, 'refcount-bits': 16 },
};

/** What `query-named-block-nodes` tells of an image with two below it. */
export const imageInfo: unknown = {
  filename: '/var/lib/libvirt/images/web-01.snapshot-3.qcow2',
  format: 'qcow2',
  'dirty-flag': false,
  'actual-size': 1_974_272_000,
  'virtual-size': 21_474_836_480,
  'cluster-size': 65_536,
  'backing-filename': '/var/lib/libvirt/images/web-01.qcow2',
  'full-backing-filename': '/var/lib/libvirt/images/web-01.qcow2',
  'backing-filename-format': 'qcow2',
  snapshots: [snapshot(1), snapshot(2), snapshot(3)],
  'backing-image': {
    filename: '/var/lib/libvirt/images/web-01.qcow2',
    format: 'qcow2',
    'dirty-flag': false,
    'actual-size': 9_663_676_416,
    'virtual-size': 21_474_836_480,
    'cluster-size': 65_536,
    'backing-filename': '/srv/templates/debian-8.raw',
    'full-backing-filename': '/srv/templates/debian-8.raw',
    'backing-filename-format': 'raw',
    'backing-image': {
      filename: '/srv/templates/debian-8.raw',
      format: 'raw',
      'actual-size': 2_147_483_648,
      'virtual-size': 21_474_836_480,
    },
    'format-specific': qcow2Facts,
  },
  'format-specific': qcow2Facts,
};

function drive(number: number): object {
  return {
    device: `drive-virtio-disk${number}`,
    type: 'unknown',
    removable: false,
    locked: false,
    'io-status': 'ok',
    inserted: {
      file: '/var/lib/libvirt/images/web-01.snapshot-3.qcow2',
      'node-name': `#block${140 + number}`,
      ro: false,
      drv: 'qcow2',
      backing_file: '/var/lib/libvirt/images/web-01.qcow2',
      backing_file_depth: 2,
      encrypted: false,
      encryption_key_missing: false,
      detect_zeroes: 'off',
      bps: 0,
      bps_rd: 0,
      bps_wr: 0,
      iops: 0,
      iops_rd: 0,
      iops_wr: 0,
      image: imageInfo,
      cache: { writeback: true, direct: true, 'no-flush': false },
      write_threshold: 0,
    },
    'dirty-bitmaps': [{ name: 'backup', count: 131_072, granularity: 65_536, status: 'active' }],
  };
}

/** A reply to `query-block`: two disks and an empty drive. */
export const queryBlock: unknown = [
  drive(0),
  drive(1),
  { device: 'drive-ide0-0-0', type: 'unknown', removable: true, locked: false, tray_open: false, 'io-status': 'ok' },
];

const image = { discard: 'unmap', cache: { direct: true, 'no-flush': false }, 'read-only': false } as const;

function file(name: string, filename: string): object {
  return { driver: 'file', 'node-name': `${name}-storage`, ...image, filename, aio: 'native' };
}

/** Arguments of `blockdev-add`: a chain of three images, as virtual machine managers write it. */
export const blockdevOptions: unknown = {
  driver: 'qcow2',
  'node-name': 'libvirt-1-format',
  ...image,
  'detect-zeroes': 'unmap',
  'lazy-refcounts': true,
  'l2-cache-size': 4_194_304,
  file: file('libvirt-1', '/var/lib/libvirt/images/web-01.snapshot-3.qcow2'),
  backing: {
    driver: 'qcow2',
    'node-name': 'libvirt-2-format',
    ...image,
    'read-only': true,
    file: file('libvirt-2', '/var/lib/libvirt/images/web-01.qcow2'),
    backing: {
      driver: 'raw',
      'node-name': 'libvirt-3-format',
      ...image,
      'read-only': true,
      file: file('libvirt-3', '/srv/templates/debian-8.raw'),
    },
  },
};
