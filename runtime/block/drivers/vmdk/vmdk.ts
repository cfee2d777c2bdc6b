import type { BlockDriver, Child, NodeView, OpenContext } from '../../driver.js';
import { BlockError } from '../../error.js';
import type { Beneath } from '../shared/mapped/readable-image.js';
import { createVmdk } from './create.js';
import { descriptorText, type ExtentLine, isDescriptor, parseExtents } from './descriptor.js';
import { type Extent, FlatExtent, SparseExtent } from './extents.js';
import { cidOf, extentName, type PlacedDescriptor, readDescriptor } from './image.js';
import { type PlacedExtent, VmdkInstance } from './instance.js';
import {
  esxMark,
  headerLength,
  hostedMark,
  markOf,
  readEsxHeader,
  readHostedHeader,
  type SparseHeader,
} from './sparse-header.js';

/** Descriptors with these kinds of images name files of their own. */
const kindsWithFiles = new Set(['monolithicFlat', 'vmfs', 'vmfsSparse', 'twoGbMaxExtentSparse', 'twoGbMaxExtentFlat']);

/**
 * `vmdk`: the format of VMware. Sparse, flat and streamed images, split or not, and those of ESX. The files of a split image are
 * children: `extents.0` and so on.
 */
export const vmdk: BlockDriver = {
  name: 'vmdk',
  kind: 'format',
  changeable: [],
  supportsBacking: true,
  probe(head) {
    const marked = [hostedMark, esxMark].includes(markOf(head));
    return marked || isDescriptor(Buffer.from(head).toString('latin1')) ? 100 : 0;
  },
  open: openVmdk,
  create: createVmdk,
};

async function openVmdk(context: OpenContext): Promise<VmdkInstance> {
  const { file, node, noIo } = context;
  const head = new Uint8Array(headerLength);
  await file.read(0, head);
  const mark = markOf(head);
  const descriptor = mark === esxMark ? undefined : await readDescriptor(file);
  const parent = new Parent(node, descriptor);
  const extents: PlacedExtent[] = [];
  let start = 0;
  const add = (extent: Extent): void => {
    extents.push({ start, extent });
    start += extent.length;
    if (!Number.isSafeInteger(start)) throw new BlockError('The VMDK image is too large', { code: 'EFBIG' });
  };
  let createType = descriptor?.createType ?? 'vmfsSparse';
  const header = mark === hostedMark ? await readHostedHeader(file) : undefined;
  if (mark === esxMark) {
    add(await sparse(context, file, '', await readEsxHeader(file), () => parent.at(0)));
  } else if (header !== undefined && header.capacity > 0) {
    createType ||= 'monolithicSparse';
    add(await sparse(context, file, '', header, () => parent.at(0)));
  } else {
    for (const line of linesOf(head, descriptor)) {
      const at = start;
      add(await openExtent(context, line, extents.length, () => parent.at(at)));
    }
  }
  const claimed = !node.flags.readOnly && !noIo;
  if (claimed) for (const { extent } of extents) await extent.claim();
  return new VmdkInstance(file, extents, { createType, descriptor, claimed });
}

/** The extents of a descriptor in a file of its own. */
function linesOf(head: Uint8Array, descriptor: PlacedDescriptor | undefined): ExtentLine[] {
  if (descriptor === undefined || (descriptor.room === undefined && !isDescriptor(descriptorText(head)))) {
    throw new BlockError('The image is not in VMDK format', { code: 'EINVAL' });
  }
  const { createType, text } = descriptor;
  if (!kindsWithFiles.has(createType)) {
    throw new BlockError(`Unsupported VMDK image type '${createType}'`, { code: 'ENOTSUP' });
  }
  return parseExtents(text);
}

async function openExtent(
  context: OpenContext,
  line: ExtentLine,
  index: number,
  beneath: () => Beneath | undefined,
): Promise<Extent> {
  const file = await context.openChild(
    `extents.${index}`,
    'protocol',
    extentName(context.file.node.filename, line.name),
  );
  if (line.type === 'FLAT' || line.type === 'VMFS') {
    return new FlatExtent(file, line.type, line.length, line.offset);
  }
  const head = new Uint8Array(headerLength);
  await file.read(0, head);
  const mark = markOf(head);
  if (mark === esxMark) return sparse(context, file, line.type, await readEsxHeader(file), beneath);
  if (mark === hostedMark) return sparse(context, file, line.type, await readHostedHeader(file), beneath);
  throw new BlockError(`The extent '${line.name}' is not in VMDK format`, { code: 'EINVAL' });
}

async function sparse(
  { node, noIo }: OpenContext,
  file: Child,
  type: string,
  header: SparseHeader,
  beneath: () => Beneath | undefined,
): Promise<Extent> {
  if (header.version === 3 && !header.compressed && !node.flags.readOnly && !noIo) {
    throw new BlockError('A VMDK image of version 3 must be opened with read-only=on', { code: 'EINVAL' });
  }
  return new SparseExtent(file, type, header, beneath);
}

/** The backing file, which must be what it was when the image was made. */
class Parent {
  readonly #node: NodeView;
  readonly #descriptor: PlacedDescriptor | undefined;
  readonly #checked = new WeakMap<NodeView, Promise<void>>();

  constructor(node: NodeView, descriptor: PlacedDescriptor | undefined) {
    this.#node = node;
    this.#descriptor = descriptor;
  }

  /** The backing file from an offset on. */
  at(start: number): Beneath | undefined {
    const { backing } = this.#node;
    if (backing === undefined) return undefined;
    return {
      length: Math.max(0, backing.node.length - start),
      read: async (offset, buffer) => {
        await this.#check(backing.node);
        await backing.read(start + offset, buffer);
      },
    };
  }

  /** @throws BlockError (EINVAL) when it is another one, or was changed */
  #check(node: NodeView): Promise<void> {
    let check = this.#checked.get(node);
    if (check === undefined) {
      check = this.#compare(node);
      this.#checked.set(node, check);
      check.catch(() => this.#checked.delete(node));
    }
    return check;
  }

  async #compare(node: NodeView): Promise<void> {
    const cid = await cidOf(node);
    if (cid !== undefined && cid === this.#descriptor?.parentCid) return;
    throw new BlockError(
      `vmdk: '${node.filename}' is not the backing file that the image was made over, or has changed since`,
      {
        code: 'EINVAL',
      },
    );
  }
}
