import type { OptionValue } from '../../runtime/block/options.js';
import type { Variant } from './interop-images.js';
import { pairwise } from './pairwise.js';

const KiB = 1024;
const MiB = 1024 * KiB;

const fillers = ['none', 'qemu-io', 'qemu-img convert', 'qemu-img convert -c'] as const;

/** Any two of these come together in some image. */
const qcow2 = pairwise(
  {
    clusterSize: [512, KiB, 4 * KiB, 16 * KiB, 64 * KiB, 256 * KiB, 2 * MiB],
    refcountBits: [1, 2, 4, 8, 16, 32, 64],
    compat: ['0.10', '1.1'],
    lazyRefcounts: [false, true],
    preallocation: ['off', 'metadata'],
    backing: [0, 1, 3],
    maker: ['qapi-ts', 'qemu-img'],
    filler: fillers,
  },
  ({ compat, refcountBits, lazyRefcounts, preallocation, backing, filler }) =>
    (compat === '1.1' || (refcountBits === 16 && !lazyRefcounts)) &&
    (preallocation === 'off' || (backing === 0 && !filler.endsWith('-c'))),
).map(
  (choice): Variant => ({
    format: 'qcow2',
    // Not a multiple of the cluster size, and enough for several L2 tables where clusters are small.
    size: choice.clusterSize >= 256 * KiB ? 3 * choice.clusterSize + 1536 : MiB + 1536,
    unit: choice.clusterSize,
    options: {
      compat: choice.compat,
      cluster_size: choice.clusterSize,
      ...(choice.preallocation === 'off' ? {} : { preallocation: choice.preallocation }),
      ...(choice.compat === '0.10' ? {} : { refcount_bits: choice.refcountBits, lazy_refcounts: choice.lazyRefcounts }),
    },
    maker: choice.maker,
    filler: choice.filler,
    backing: choice.backing,
  }),
);

/** What images of 2016 did not have. */
const today = pairwise(
  {
    clusterSize: [4 * KiB, 16 * KiB, 64 * KiB],
    extendedL2: [false, true],
    compressionType: ['zlib', 'zstd'],
    dataFile: ['none', 'own', 'raw'],
    encrypted: [false, true],
    preallocation: ['off', 'metadata'],
    backing: [0, 2],
    maker: ['qapi-ts', 'qemu-img'],
    filler: fillers,
  },
  ({ clusterSize, extendedL2, dataFile, encrypted, preallocation, backing, filler }) =>
    (!extendedL2 || clusterSize >= 16 * KiB) &&
    (dataFile !== 'raw' || (backing === 0 && !encrypted)) &&
    (preallocation === 'off' || backing === 0) &&
    (!filler.endsWith('-c') || (dataFile === 'none' && !encrypted && preallocation === 'off')),
).map(
  ({ clusterSize, extendedL2, compressionType, dataFile, encrypted, preallocation, ...choice }): Variant => ({
    ...choice,
    format: 'qcow2',
    size: MiB + 1536,
    unit: clusterSize,
    encrypted,
    options: {
      cluster_size: clusterSize,
      extended_l2: extendedL2,
      compression_type: compressionType,
      ...(preallocation === 'off' ? {} : { preallocation }),
      ...(dataFile === 'none' ? {} : { data_file: 'data', data_file_raw: dataFile === 'raw' }),
    },
  }),
);

const others = pairwise(
  { maker: ['qapi-ts', 'qemu-img'], filler: ['none', 'qemu-io', 'qemu-img convert'], format: ['raw', 'luks'] },
  () => true,
).map(
  ({ maker, filler, format }): Variant => ({
    format,
    maker,
    filler,
    size: MiB + 512,
    options: {},
    unit: 4096,
    backing: 0,
  }),
);

const cipher: Variant = {
  format: 'luks',
  maker: 'qapi-ts',
  filler: 'qemu-io',
  size: MiB + 512,
  options: { 'cipher-alg': 'aes-128', 'cipher-mode': 'cbc', 'ivgen-alg': 'essiv', 'ivgen-hash-alg': 'sha256' },
  unit: 4096,
  backing: 0,
};

/** Any two values of a format's options, a maker and a program that fills it come together in some image. */
function foreign(
  format: Variant['format'],
  choices: { readonly [option: string]: readonly OptionValue[] },
  { size, unit, backing = [0] }: { readonly size: number; readonly unit: number; readonly backing?: readonly number[] },
): Variant[] {
  const all = { maker: ['qapi-ts', 'qemu-img'], filler: ['none', 'qemu-io', 'qemu-img convert'], backing, ...choices };
  return pairwise(all as { readonly [name: string]: readonly OptionValue[] }, () => true).map(
    ({ maker, filler, backing: below, ...options }) =>
      ({ format, size, unit, options, maker, filler, backing: below }) as Variant,
  );
}

const parallels = foreign('parallels', { cluster_size: [MiB, 64 * KiB] }, { size: 3 * MiB + 1536, unit: 64 * KiB });
const qcow = foreign('qcow', {}, { size: 5 * MiB + 1536, unit: 4096, backing: [0, 1, 2] });
const qed = foreign(
  'qed',
  { cluster_size: [4 * KiB, 64 * KiB], table_size: [2, 4] },
  { size: 3 * MiB + 1536, unit: 4 * KiB, backing: [0, 1, 2] },
);
const vdi = foreign('vdi', { static: [false, true] }, { size: 3 * MiB + 1536, unit: MiB });
const vhdx = foreign(
  'vhdx',
  {
    subformat: ['dynamic', 'fixed'],
    block_state_zero: [false, true],
    block_size: [MiB, 4 * MiB],
    log_size: [MiB, 2 * MiB],
  },
  { size: 5 * MiB + 1536, unit: MiB },
);
const vmdk = [
  ...foreign(
    'vmdk',
    { subformat: ['monolithicSparse', 'twoGbMaxExtentSparse'], zeroed_grain: [false, true] },
    { size: 2 * MiB + 1536, unit: 64 * KiB, backing: [0, 1, 2] },
  ),
  ...foreign('vmdk', { subformat: ['monolithicFlat', 'twoGbMaxExtentFlat'] }, { size: 2 * MiB + 1536, unit: 64 * KiB }),
];
const vpc = foreign(
  'vpc',
  { subformat: ['dynamic', 'fixed'], force_size: [false, true] },
  // The size of a geometry: others are rounded up.
  { size: 150 * 4 * 17 * 512, unit: 2 * MiB },
);

/** The images of the interoperability matrix. */
export const variants: readonly Variant[] = [
  ...qcow2,
  ...others,
  cipher,
  ...parallels,
  ...qcow,
  ...qed,
  ...vdi,
  ...vhdx,
  ...vmdk,
  ...vpc,
  ...today,
];
