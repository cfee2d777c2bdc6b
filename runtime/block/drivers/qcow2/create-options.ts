import { PreallocMode, Qcow2CompressionType } from '../../../../generated/index.js';
import { BlockError } from '../../error.js';
import { isPowerOfTwo } from '../../limits.js';
import type { BlockOptions } from '../../options.js';
import { IncompatibleFeature, leastExtendedCluster } from './format/header.js';

/** What the options ask for. */
export interface Choices {
  readonly version: 2 | 3;
  readonly clusterSize: number;
  readonly preallocation: PreallocMode;
  readonly lazyRefcounts: boolean;
  readonly refcountOrder: number;
  readonly zstd: boolean;
  /** The incompatible features. */
  readonly incompatible: number;
  readonly dataFile: string | undefined;
  readonly rawData: boolean;
  /** How to encrypt what is on the disk. */
  readonly luks: BlockOptions | undefined;
}

/** Takes the options of a new image. @throws BlockError for options that are wrong or exclude each other */
export function takeChoices(options: BlockOptions, hasBacking: boolean): Choices {
  const compat = options.takeString('compat') ?? '1.1';
  const clusterSize = options.takeSize('cluster_size') ?? 65536;
  const preallocation = options.takeEnum('preallocation', PreallocMode) ?? 'off';
  const lazyRefcounts = options.takeBoolean('lazy_refcounts') ?? false;
  const zstd = options.takeEnum('compression_type', Qcow2CompressionType) === 'zstd';
  const extended = options.takeBoolean('extended_l2') ?? false;
  const dataFile = options.takeString('data_file');
  const rawData = options.takeBoolean('data_file_raw') ?? false;
  const refcountBits = options.takeInteger('refcount_bits') ?? 16;
  const luks = takeEncryption(options);
  if (compat !== '0.10' && compat !== '1.1') throw wrong(`Invalid compatibility level: '${compat}'`);
  if (clusterSize < 512 || clusterSize > 2 ** 21 || !isPowerOfTwo(clusterSize)) {
    throw wrong('Cluster size must be a power of two between 512 and 2048k');
  }
  if (hasBacking && preallocation !== 'off') {
    throw wrong('Backing file and preallocation cannot be used at the same time');
  }
  if (refcountBits > 64 || !isPowerOfTwo(refcountBits)) {
    throw wrong('Refcount width must be a power of two and may not exceed 64 bits');
  }
  const advice = 'compatibility level 1.1 and above (use compat=1.1 or greater)';
  if (compat === '0.10' && lazyRefcounts) throw wrong(`Lazy refcounts only supported with ${advice}`);
  if (compat === '0.10' && refcountBits !== 16) throw wrong(`Different refcount widths than 16 bits require ${advice}`);
  if (compat === '0.10' && zstd) throw wrong(`Non-zlib compression type is only supported with ${advice}`);
  if (compat === '0.10' && extended) throw wrong(`Extended L2 entries are only supported with ${advice}`);
  if (dataFile === '') throw wrong('The name of the data file is empty');
  if (rawData && dataFile === undefined) throw wrong('data-file-raw requires data-file');
  if (rawData && luks !== undefined) {
    throw wrong('A raw data file reads as the disk, and cannot be encrypted: data-file-raw excludes encrypt.format');
  }
  if (rawData && hasBacking) throw wrong('Backing file and data-file-raw cannot be used at the same time');
  if (compat === '0.10' && dataFile !== undefined) {
    throw wrong(`External data files are only supported with ${advice}`);
  }
  if (extended && clusterSize < leastExtendedCluster) {
    throw wrong(`Extended L2 entries are only supported with cluster sizes of at least ${leastExtendedCluster} bytes`);
  }
  return {
    zstd,
    dataFile,
    rawData,
    luks,
    incompatible:
      (zstd ? IncompatibleFeature.compressionType : 0) |
      (extended ? IncompatibleFeature.extendedL2 : 0) |
      (dataFile === undefined ? 0 : IncompatibleFeature.dataFile),
    version: compat === '0.10' ? 2 : 3,
    clusterSize,
    // Each cluster of a raw data file has its place.
    preallocation: rawData && preallocation === 'off' ? 'metadata' : preallocation,
    lazyRefcounts,
    refcountOrder: Math.log2(refcountBits),
  };
}

/** What is to be done by the driver `luks`. Legacy AES has two names, and an older option. */
function takeEncryption(options: BlockOptions): BlockOptions | undefined {
  const old = options.takeBoolean('encryption') ?? false;
  const given = options.takeUnder('encrypt');
  const format = given.takeString('format') ?? (old ? 'aes' : undefined);
  if (format === 'luks') return given;
  if (format === 'aes' || format === 'qcow') {
    throw new BlockError('Images with AES encryption are not created any more; encrypt.format=luks is safe', {
      code: 'ENOTSUP',
    });
  }
  if (format !== undefined) throw wrong(`Unknown encryption format '${format}'; there is 'luks'`);
  if (given.size > 0) throw wrong("Options of 'encrypt' need encrypt.format=luks");
  return undefined;
}

function wrong(message: string): BlockError {
  return new BlockError(message, { code: 'EINVAL' });
}
