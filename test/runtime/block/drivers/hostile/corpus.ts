/*
 * Hostile images, as recipes: a sound image of a MiB, and what is put into it. Each was a find, or is of a kind that has been one in some program
 * that reads images. A new find is a new row.
 */

/** A number at a place, or bytes. */
type Put =
  | readonly [at: number, kind: 'u16' | 'u32' | 'u64' | 'U16' | 'U32' | 'U64', value: number | bigint]
  | readonly [at: number, kind: 'text', value: string];

/** One of them. Small letters of a kind are for the lower byte first, capitals for the higher. */
export interface HostileImage {
  readonly format: string;
  readonly what: string;
  readonly options?: { readonly [name: string]: string | number | boolean };
  /** A descriptor instead of an image. */
  readonly text?: string;
  readonly put?: readonly Put[];
  /** Bytes that are left of it. */
  readonly cut?: number;
  /** What opening it fails with, or reading of its first or last MiB, as a part of the message. Absent: it reads, as in QEMU. */
  readonly fails?: string;
}

const far = 2n ** 63n + 2n ** 20n;
const vmdkText = (lines: string, more = ''): string =>
  `# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\ncreateType="monolithicFlat"\n${more}# x\n${lines}\n`;

export const hostileImages: readonly HostileImage[] = [
  {
    format: 'qcow2',
    what: 'a disk of 2^63 bytes',
    put: [[24, 'U64', far]],
    fails: 'The virtual size is 9223372036855824384, which is too large',
  },
  {
    format: 'qcow2',
    what: 'an L1 table beyond all files',
    put: [[40, 'U64', far & ~0xffffn]],
    fails: 'The L1 table offset is 9223372036855824384, which is too large',
  },
  { format: 'qcow2', what: 'clusters of 2^31 bytes', put: [[20, 'U32', 31]], fails: 'Unsupported cluster size: 2^31' },
  {
    format: 'qcow2',
    what: 'an L1 table of 2^32 entries',
    put: [[36, 'U32', 0xffff_ffff]],
    fails: 'The L1 table has 4294967295 entries, which is too large',
  },
  {
    format: 'qcow2',
    what: '2^32 snapshots',
    put: [
      [60, 'U32', 0xffff_ffff],
      [64, 'U64', 65_536],
    ],
    fails: 'Too many snapshots: 4294967295, but there may be at most 65536',
  },
  {
    format: 'qcow2',
    what: 'a refcount table of 2^32 clusters',
    put: [[56, 'U32', 0xffff_ffff]],
    fails: 'The refcount table has 4294967295 clusters, which is too large',
  },
  {
    format: 'qcow2',
    what: 'a backing file that is itself',
    put: [
      [8, 'U64', 512],
      [16, 'U32', 11],
      [512, 'text', 'image.qcow2'],
    ],
    fails: "The backing chain runs in a circle: 'image.qcow2' is its own backing file",
  },
  {
    format: 'qcow2',
    what: 'a backing file out of the folder',
    put: [
      [8, 'U64', 512],
      [16, 'U32', 13],
      [512, 'text', '../../outside'],
    ],
    fails: "'../../outside' is not allowed",
  },
  {
    format: 'qcow2',
    what: 'a backing file with NUL in its name',
    put: [
      [8, 'U64', 512],
      [16, 'U32', 8],
      [512, 'text', 'out\0side'],
    ],
    fails: "Could not open 'out': No such file or directory",
  },
  {
    format: 'qcow2',
    what: 'an L2 table that is the L1 table',
    put: [[0x30000, 'U64', 0x8000_0000_0003_0000n]],
  },
  { format: 'qcow', what: 'a disk of 2^63 bytes', put: [[24, 'U64', far]], fails: 'qcow: The image is too large' },
  {
    format: 'qcow',
    what: 'an L1 table beyond all files',
    put: [[40, 'U64', far]],
    fails: 'Invalid qcow image: it has been truncated',
  },
  {
    format: 'qcow',
    what: 'tables of 2^255 entries',
    put: [[32, 'U16', 0x0cff]],
    fails: 'Invalid qcow image: L2 tables of 2^255 entries',
  },
  {
    format: 'qcow',
    what: 'a backing file out of the folder',
    put: [
      [8, 'U64', 48],
      [16, 'U32', 13],
      [48, 'text', '../../outside'],
      [40, 'U64', 64],
    ],
    fails: "'../../outside' is not allowed",
  },
  {
    format: 'qcow',
    what: 'a table that is the header',
    put: [[48, 'U64', 16]],
    fails: 'qcow: The image is damaged: an L2 table is at 16',
  },
  {
    format: 'qed',
    what: 'clusters of 2^31 bytes',
    put: [[4, 'u32', 2 ** 31]],
    fails: 'Invalid QED image: clusters of 2147483648 bytes',
  },
  {
    format: 'qed',
    what: 'a disk of 2^63 bytes',
    put: [[48, 'u64', far & ~511n]],
    fails: 'Invalid QED image: a disk of 9223372036855824000 bytes',
  },
  {
    format: 'qed',
    what: 'tables of 2^31 clusters',
    put: [[8, 'u32', 2 ** 31]],
    fails: 'Invalid QED image: tables of 2147483648 clusters',
  },
  {
    format: 'qed',
    what: 'an L1 table beyond all files',
    put: [[40, 'u64', far & ~0xffffn]],
    fails: 'Invalid QED image: its L1 table is at 9223372036855824000',
  },
  { format: 'qed', what: 'a table that is the L1 table', put: [[65_536, 'u64', 65_536]] },
  {
    format: 'qed',
    what: 'a backing file out of the folder',
    put: [
      [16, 'u64', 5],
      [56, 'u32', 64],
      [60, 'u32', 13],
      [64, 'text', '../../outside'],
    ],
    fails: "'../../outside' is not allowed",
  },
  {
    format: 'vdi',
    what: 'a map of 2^32 blocks',
    put: [[384, 'u32', 0xffff_ffff]],
    fails: 'Unsupported VDI image: 4294967295 blocks are too many',
  },
  {
    format: 'vdi',
    what: 'a disk of 2^63 bytes',
    put: [[368, 'u64', far]],
    fails: 'Unsupported VDI image: its disk is too large',
  },
  {
    format: 'vdi',
    what: 'blocks of no bytes',
    put: [[376, 'u32', 0]],
    fails: 'Unsupported VDI image: blocks of 0 bytes',
  },
  {
    format: 'vdi',
    what: 'a map that begins in the header',
    put: [[340, 'u32', 0]],
    fails: 'Unsupported VDI image: its block map begins at 0',
  },
  {
    format: 'vdi',
    what: 'a block beyond the end',
    put: [[512, 'u32', 0x1fff_ff00]],
    fails: 'vdi: The image is damaged: its table is wrong for offset 0',
  },
  {
    format: 'vdi',
    what: 'a map beyond all files',
    put: [[340, 'u32', 0xffff_fe00]],
    fails: 'Unsupported VDI image: its data begins inside of its block map',
  },
  {
    format: 'vpc',
    what: 'a table of 2^32 blocks',
    put: [[512 + 28, 'U32', 0xffff_ffff]],
    fails: 'Invalid VHD image: its table is too large',
  },
  {
    format: 'vpc',
    what: 'a header of the disk beyond all files',
    put: [[16, 'U64', far]],
    fails: 'Invalid VHD image: it has been truncated',
  },
  {
    format: 'vpc',
    what: 'blocks of 2^31 bytes',
    put: [[512 + 32, 'U32', 2 ** 31]],
    fails: 'vpc: The image is damaged or has been truncated: block 0 is not in the file',
  },
  {
    format: 'vpc',
    what: 'blocks of no bytes',
    put: [[512 + 32, 'U32', 0]],
    fails: 'Invalid VHD image: blocks of 0 bytes',
  },
  {
    format: 'vpc',
    what: 'a table beyond all files',
    put: [[512 + 16, 'U64', far]],
    fails: 'Invalid VHD image: it has been truncated',
  },
  {
    format: 'vpc',
    what: 'a block beyond the end',
    put: [[1536, 'U32', 0xffff_fff0]],
    fails: 'vpc: The image is damaged or has been truncated: block 0 is not in the file',
  },
  { format: 'vhdx', what: 'a log of 4 GiB', put: [[65_536 + 68, 'u32', 0xfff0_0000]] },
  {
    format: 'vhdx',
    what: 'a metadata table of 65535 entries',
    put: [[0x300000 + 10, 'u16', 0xffff]],
    fails: 'it has 65535 items of metadata',
  },
  {
    format: 'vhdx',
    what: 'blocks of no bytes',
    put: [[0x310000, 'u32', 0]],
    fails: 'Invalid VHDX image: blocks of 0 bytes',
  },
  {
    format: 'vhdx',
    what: 'a disk of 2^63 bytes',
    put: [[0x310008, 'u64', far]],
    fails: 'Invalid VHDX image: a disk of 9223372036855824000 bytes',
  },
  {
    format: 'vhdx',
    what: 'regions that were not counted right',
    put: [[192 * 1024 + 8, 'u32', 0xffff_ffff]],
    fails: 'Invalid VHDX image: its region table is not sound',
  },
  {
    format: 'vhdx',
    what: 'a block that is the metadata',
    put: [[0x200000, 'u64', 0x30_0006]],
    fails: 'vhdx: The image is damaged: its table is wrong for offset 0',
  },
  { format: 'vmdk', what: 'a disk of 2^72 bytes', put: [[12, 'u64', far]], fails: 'The VMDK image is too large' },
  {
    format: 'vmdk',
    what: 'grains of 2^72 bytes',
    put: [[20, 'u64', far]],
    fails: 'Invalid VMDK extent: grains of 4.722366482870182e+21 bytes',
  },
  {
    format: 'vmdk',
    what: 'tables of 2^32 entries',
    put: [[44, 'u32', 0xffff_ffff]],
    fails: 'Invalid VMDK extent: tables of 4294967295 entries',
  },
  {
    format: 'vmdk',
    what: 'a directory beyond all files',
    put: [[56, 'u64', far]],
    fails: 'Invalid VMDK extent: a grain directory is beyond the end of the file',
  },
  { format: 'vmdk', what: 'a descriptor beyond all files', put: [[28, 'u64', far]] },
  {
    format: 'vmdk',
    what: 'a table that is the directory',
    put: [[26 * 512, 'u32', 26]],
    fails: 'vmdk: The image is damaged: its table is wrong for offset 0',
  },
  {
    format: 'vmdk',
    what: 'a stream without a footer',
    options: { subformat: 'streamOptimized' },
    put: [[56, 'u64', 2n ** 64n - 1n]],
    fails: 'Invalid VMDK extent: it has no footer',
  },
  {
    format: 'vmdk',
    what: 'an extent out of the folder',
    text: vmdkText('RW 2048 FLAT "../../outside" 0'),
    fails: "'../../outside' is not allowed",
  },
  {
    format: 'vmdk',
    what: 'an extent at the root',
    text: vmdkText('RW 2048 FLAT "/etc/passwd" 0'),
    fails: "'/etc/passwd' is not allowed",
  },
  {
    format: 'vmdk',
    what: 'an extent with NUL in its name',
    text: vmdkText('RW 2048 FLAT "a\0b" 0'),
    fails: 'Invalid extent line: RW 2048 FLAT "a',
  },
  {
    format: 'vmdk',
    what: 'an extent that is a URL',
    text: vmdkText('RW 2048 FLAT "http://127.0.0.1:1/x" 0'),
    fails: "'http://127.0.0.1:1/x' is not allowed",
  },
  {
    format: 'vmdk',
    what: 'an extent that is options',
    text: vmdkText(`RW 2048 FLAT "json:{'driver':'null-co'}" 0`),
    fails: "Could not open 'json:{'driver':'null-co'}': No such file or directory",
  },
  {
    format: 'vmdk',
    what: 'an extent that is the descriptor',
    text: vmdkText('RW 2048 SPARSE "image.vmdk"').replace('monolithicFlat', 'twoGbMaxExtentSparse'),
    fails: "The extent 'image.vmdk' is not in VMDK format",
  },
  {
    format: 'vmdk',
    what: 'extents of 2^60 sectors',
    text: vmdkText('RW 1152921504606846976 FLAT "image.vmdk" 0'),
    fails: 'Invalid extent line: RW 1152921504606846976 FLAT "image.vmdk" 0',
  },
  {
    format: 'vmdk',
    what: '5000 extents',
    text: vmdkText('RW 1 FLAT "image.vmdk" 0\n'.repeat(5000)),
    fails: 'The VMDK image has more than 4096 extents',
  },
  {
    format: 'vmdk',
    what: 'a parent out of the folder',
    text: vmdkText('RW 2048 FLAT "image.vmdk" 0', 'parentFileNameHint="../../outside"\n').replace(
      'ffffffff',
      '11111111',
    ),
    fails: "'../../outside' is not allowed",
  },
  {
    format: 'parallels',
    what: 'a table of 2^32 entries',
    put: [[32, 'u32', 0xffff_ffff]],
    fails: 'Invalid Parallels image: its table is too large',
  },
  {
    format: 'parallels',
    what: 'clusters of no bytes',
    put: [[28, 'u32', 0]],
    fails: 'Invalid Parallels image: clusters of no sectors',
  },
  {
    format: 'parallels',
    what: 'clusters of 2^41 bytes',
    put: [[28, 'u32', 0xffff_ffff]],
    fails: 'Invalid Parallels image: its clusters are too large',
  },
  {
    format: 'parallels',
    what: 'a cluster beyond the end',
    put: [[64, 'u32', 0xffff_fff0]],
    fails: 'parallels: The image is damaged: its table is wrong for offset 0',
  },
  {
    format: 'parallels',
    what: 'a disk of 2^72 bytes',
    put: [[36, 'u64', far]],
    fails: 'The Parallels image is too large',
  },
  {
    format: 'bochs',
    what: 'a catalog of 2^32 extents',
    put: [[72, 'u32', 0xffff_ffff]],
    fails: 'bochs: The catalog is too large',
  },
  {
    format: 'bochs',
    what: 'extents of no bytes',
    put: [[80, 'u32', 0]],
    fails: 'Invalid bochs image: extents of 0 bytes',
  },
  { format: 'bochs', what: 'a disk of 2^63 bytes', put: [[88, 'u64', far]], fails: 'bochs: The disk is too large' },
  {
    format: 'bochs',
    what: 'an extent beyond the end',
    put: [[512, 'u32', 0xffff_fff0]],
    fails: 'bochs: The image is damaged: the extent of offset 0 is beyond the end of the file',
  },
  {
    format: 'cloop',
    what: '2^32 blocks',
    put: [[132, 'U32', 0xffff_ffff]],
    fails: 'Invalid cloop image: it has too many blocks',
  },
  {
    format: 'cloop',
    what: 'blocks of 2^31 bytes',
    put: [[128, 'U32', 2 ** 31]],
    fails: 'Invalid cloop image: blocks of 2147483648 bytes',
  },
  {
    format: 'cloop',
    what: 'a block that begins behind its end',
    put: [[136, 'U64', far]],
    fails: 'Invalid cloop image: block 0 cannot be at 9223372036855824000',
  },
  {
    format: 'cloop',
    what: 'blocks that unpack to more than they may',
    put: [[128, 'U32', 512]],
    fails: 'cloop: A compressed cluster is broken',
  },
  {
    format: 'dmg',
    what: 'a property list beyond all files',
    put: [[-512 + 0xd8, 'U64', far]],
    fails: 'Invalid dmg image: its property list is beyond its end',
  },
  {
    format: 'dmg',
    what: 'a property list of 2^63 bytes',
    put: [[-512 + 0xe0, 'U64', far]],
    fails: 'Invalid dmg image: its property list is beyond its end',
  },
  {
    format: 'dmg',
    what: 'a disk of 2^72 bytes',
    put: [[-512 + 0x1ec, 'U64', far]],
    fails: 'dmg: The disk is too large',
  },
  {
    format: 'dmg',
    what: 'a data fork beyond all files',
    put: [[-512 + 0x18, 'U64', far]],
    fails: 'Invalid dmg image: its data fork is beyond its end',
  },
  {
    format: 'qcow2',
    what: 'its mark and nothing else',
    cut: 70,
    fails: 'The qcow2 header is 0 bytes long, but must be at least 104',
  },
  {
    format: 'qcow',
    what: 'its mark and nothing else',
    cut: 70,
    fails: 'qcow: The image is damaged: an L2 table is at 4096',
  },
  { format: 'qed', what: 'its mark and nothing else', cut: 70, fails: 'Invalid QED image: its L1 table is at 65536' },
  { format: 'vdi', what: 'its mark and nothing else', cut: 70, fails: 'Unsupported VDI image: version 0.1, not 1.1' },
  { format: 'vpc', what: 'its mark and nothing else', cut: 70, fails: 'Invalid VHD image: it has been truncated' },
  {
    format: 'vhdx',
    what: 'its mark and nothing else',
    cut: 70,
    fails: 'Invalid VHDX image: neither of its headers is sound',
  },
  {
    format: 'vmdk',
    what: 'its mark and nothing else',
    cut: 70,
    fails: 'Invalid VMDK extent: it has been truncated: it should have at least 65536 bytes',
  },
  {
    format: 'parallels',
    what: 'its mark and nothing else',
    cut: 70,
    fails: 'parallels: The image is damaged: its table is wrong for offset 0',
  },
  { format: 'bochs', what: 'its mark and nothing else', cut: 70, fails: 'Invalid bochs image: extents of 0 bytes' },
  { format: 'cloop', what: 'its mark and nothing else', cut: 70, fails: 'Invalid cloop image: blocks of 0 bytes' },
  { format: 'dmg', what: 'its mark and nothing else', cut: 70, fails: "Invalid dmg image: it has no trailer ('koly')" },
  { format: 'qcow2', what: 'half a header', cut: 500 },
  { format: 'qcow', what: 'half a header', cut: 500, fails: 'qcow: The image is damaged: an L2 table is at 4096' },
  { format: 'qed', what: 'half a header', cut: 500, fails: 'Invalid QED image: its L1 table is at 65536' },
  {
    format: 'vdi',
    what: 'half a header',
    cut: 500,
    fails: 'vdi: The image is damaged: its table is wrong for offset 0',
  },
  { format: 'vpc', what: 'half a header', cut: 500, fails: 'Invalid VHD image: it has been truncated' },
  { format: 'vhdx', what: 'half a header', cut: 65600, fails: 'Invalid VHDX image: neither of its headers is sound' },
  {
    format: 'vmdk',
    what: 'half a header',
    cut: 500,
    fails: 'Invalid VMDK extent: it has been truncated: it should have at least 65536 bytes',
  },
  {
    format: 'parallels',
    what: 'half a header',
    cut: 500,
    fails: 'parallels: The image is damaged: its table is wrong for offset 0',
  },
  { format: 'bochs', what: 'half a header', cut: 500, fails: 'Invalid bochs image: it has been truncated' },
  { format: 'cloop', what: 'half a header', cut: 500, fails: 'Invalid cloop image: block 1 cannot be at 16789' },
  { format: 'dmg', what: 'half a header', cut: 500, fails: "Invalid dmg image: it has no trailer ('koly')" },
];
