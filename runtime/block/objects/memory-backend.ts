import type {
  MemoryBackendFileProperties,
  MemoryBackendMemfdProperties,
  MemoryBackendProperties,
  MemoryBackendShmProperties,
  OnOffAuto,
} from '../../../generated/index.js';
import type { Int64, JsonValue } from '../../json/value.js';
import { invalid } from '../error.js';
import { largestSize } from '../limits.js';
import { prepareMemoryFile } from './memory-file.js';
import { propertiesOf } from './object-types.js';
import type { ObjectHost, UserObject } from './user-object.js';

/** Bytes of a page of memory. */
const pageSize = 4096;

/** The number of NUMA nodes that a host can have. */
const mostHostNodes = 128;

/**
 * Describes memory of the process. There is no guest that could use it, so none is taken.
 *
 * @throws BlockError when the properties contradict each other
 */
export function makeMemoryBackendRam(properties: MemoryBackendProperties): UserObject {
  checkSize('memory-backend-ram', properties);
  checkHostNodes(properties);
  return { type: 'memory-backend-ram', properties: propertiesOf('memory-backend-ram', commonValues(properties)) };
}

/**
 * Describes memory that is a file of the host. The file is looked at, and made or given its size where it has none, but not
 * mapped: there is no guest that could use it.
 *
 * @throws BlockError when the properties contradict each other, or the file does not suit them
 */
export async function makeMemoryBackendFile(
  properties: MemoryBackendFileProperties,
  host: ObjectHost,
): Promise<UserObject> {
  const { 'mem-path': path, readonly = false, share = false } = properties;
  const size = checkSize('memory-backend-file', properties);
  if (size % pageSize !== 0) throw invalid("backend 'memory-backend-file' memory size must be multiple of 4 KiB");
  if (path === '') throw invalid("'mem-path' of memory-backend-file is empty: it must be the path of a file or folder");
  const rom = romOf(properties.rom ?? 'auto', readonly, share);
  const { align = 0, offset = 0 } = properties;
  checkAlignment(align);
  checkOffset(offset);
  const end = BigInt(offset) + BigInt(size);
  if (end > largestSize) throw invalid(`the memory would end at ${end} of the file, beyond ${largestSize}`);
  checkHostNodes(properties);
  await host.authorize(path);
  await prepareMemoryFile({ path, length: Number(end), readonly, authorize: (fd) => host.authorize(path, fd) });
  const values = {
    align,
    offset,
    'discard-data': properties['discard-data'] ?? false,
    'mem-path': path,
    readonly,
    rom,
  };
  const type = 'memory-backend-file';
  return { type, properties: propertiesOf(type, { ...commonValues(properties), ...values }) };
}

/**
 * Describes memory that is a file without a name. As there is no guest, none is made.
 *
 * @throws BlockError when the properties contradict each other
 */
export function makeMemoryBackendMemfd(properties: MemoryBackendMemfdProperties): UserObject {
  const type = 'memory-backend-memfd';
  const { hugetlb = false, hugetlbsize = 0, seal = true } = properties;
  checkSize(type, properties);
  checkHostNodes(properties);
  const page = BigInt(hugetlbsize);
  if ((page & (page - 1n)) !== 0n) throw invalid('Hugepage size must be a power of 2');
  return { type, properties: propertiesOf(type, { ...commonValues(properties), hugetlb, hugetlbsize, seal }) };
}

/**
 * Describes memory that other processes share by its descriptor. As there is no guest, none is made.
 *
 * @throws BlockError when the properties contradict each other
 */
export function makeMemoryBackendShm(properties: MemoryBackendShmProperties): UserObject {
  const type = 'memory-backend-shm';
  checkSize(type, properties);
  checkHostNodes(properties);
  if (properties.share === false) throw invalid("'share' must be 'on' for memory-backend-shm");
  return { type, properties: propertiesOf(type, { ...commonValues(properties), share: true }) };
}

/**
 * Whether a guest may not write to the memory. A file that is open for writing cannot be read-only memory; one that is not
 * can be writable memory if each writer gets a copy of its own.
 *
 * @throws BlockError (EINVAL) for the combinations that make no sense
 */
function romOf(rom: OnOffAuto, readonly: boolean, share: boolean): 'on' | 'off' {
  switch (rom) {
    case 'auto':
      return readonly ? 'on' : 'off';
    case 'on':
      if (!readonly) throw invalid("'rom' can only be 'on' when 'readonly' is 'on', too");
      return rom;
    case 'off':
      if (readonly && share) {
        throw invalid(
          "'rom' cannot be 'off' when 'readonly' and 'share' are 'on': what is written to the memory could not be shared",
        );
      }
      return rom;
  }
}

function checkSize(type: string, { size }: MemoryBackendProperties): number {
  const bytes = Number(size);
  if (bytes === 0) throw invalid(`property 'size' of ${type} doesn't take value '0'`);
  if (bytes > largestSize) throw invalid(`property 'size' of ${type} is ${size}, but can be at most ${largestSize}`);
  return bytes;
}

/** 0 stands for whatever suits the machine.  */
function checkAlignment(align: Int64): void {
  const bits = BigInt(align);
  if (bits % BigInt(pageSize) !== 0n) {
    throw invalid(`'align' is ${align}, but must be a multiple of the page size ${pageSize}`);
  }
  if ((bits & (bits - 1n)) !== 0n) throw invalid(`'align' is ${align}, but must be a power of two`);
}

function checkOffset(offset: Int64): void {
  if (BigInt(offset) % BigInt(pageSize) !== 0n) {
    throw invalid(`'offset' is ${offset}, but must be a multiple of the page size ${pageSize}`);
  }
}

function checkHostNodes({ 'host-nodes': nodes = [], policy = 'default' }: MemoryBackendProperties): void {
  const impossible = nodes.find((node) => node >= mostHostNodes);
  if (impossible !== undefined) throw invalid(`Invalid host-nodes value: ${impossible}`);
  if (policy === 'default' && nodes.length > 0) {
    throw invalid("'host-nodes' must be empty for 'policy' default: set 'policy' to what is to be done with them");
  }
  if (policy !== 'default' && nodes.length === 0) throw invalid(`host-nodes must be set for policy ${policy}`);
}

function commonValues(properties: MemoryBackendProperties): { readonly [name: string]: JsonValue } {
  return {
    share: properties.share ?? false,
    size: properties.size,
    dump: properties.dump ?? true,
    policy: properties.policy ?? 'default',
    prealloc: properties.prealloc ?? false,
    'host-nodes': [...new Set(properties['host-nodes'])].sort((a, b) => a - b),
    merge: properties.merge ?? true,
  };
}
