import type { BackingFile, BlockDriver, Child, NodeView } from '../driver.js';
import { BlockError, blockErrorOf, invalid } from '../error.js';
import { roundUp, sectorSize } from '../limits.js';
import { BlockOptions } from '../options.js';
import { everything, Permission, type Permissions } from '../permissions.js';
import { resolveBackingName } from './filename.js';
import { inherited, rootDefaults } from './flags.js';
import type { BlockGraph } from './graph.js';

/** An image to be made. */
export interface ImageRequest {
  /** The format: the name of a driver. */
  readonly format: string;
  readonly filename: string;
  /** Bytes; rounded up to sectors. Absent: that of the backing file. */
  readonly size?: number;
  readonly backing?: BackingFile;
  /** The format's own create options. */
  readonly options?: BlockOptions;
  /** No other program can know of the file. Default: it is locked, so that what others use is not emptied. */
  readonly locking?: 'off';
}

/** What making an image does to its file: it is of no use to others before it is made. */
const making: Permissions = {
  uses: Permission.consistentRead | Permission.write | Permission.resize,
  shares: Permission.consistentRead | Permission.writeUnchanged,
};

/** What making an image in a node does to it: others may use the node, but for making another image in it. */
export const makingInNode: Permissions = { uses: making.uses, shares: everything & ~Permission.resize };

/**
 * Makes an image, or empties a file to make it one.
 *
 * @throws BlockError when the format, the place, the size or an option is wrong. The file may have been made by then.
 */
export async function createImage(graph: BlockGraph, request: ImageRequest): Promise<void> {
  const { format, filename, backing, locking } = request;
  const { host, drivers } = graph;
  const driver = drivers.named(format);
  const protocol = await drivers.forFilename(filename, true, host);
  // A protocol makes files, which are images as they are.
  const create = driver.kind === 'protocol' && driver === protocol ? async () => {} : driver.create?.bind(driver);
  if (create === undefined) {
    throw new BlockError(`Format driver '${format}' does not support image creation`, { code: 'ENOTSUP' });
  }
  if (protocol.createFile === undefined) {
    throw new BlockError(`Protocol driver '${protocol.name}' does not support image creation`, { code: 'ENOTSUP' });
  }
  if (backing !== undefined && !driver.supportsBacking) {
    throw invalid(`Backing file not supported for file format '${format}'`);
  }
  if (backing?.name === filename) {
    throw invalid('Trying to create an image with the same filename as the backing file');
  }
  const size = roundUp(request.size ?? (await sizeOf(graph, filename, backing)), sectorSize);
  const options = request.options?.clone() ?? new BlockOptions();
  try {
    const plain = driver.isPlainFile || driver === protocol;
    const fileOptions = plain ? options : new BlockOptions();
    if (locking !== undefined) fileOptions.set('locking', locking);
    await protocol.createFile(filename, plain ? size : 0, fileOptions, host);
    const flags = inherited(rootDefaults, 'protocol');
    const node = await graph.open({
      filename,
      role: 'protocol',
      flags,
      options: new BlockOptions(locking === undefined ? [] : [['locking', locking]]),
    });
    await graph.using(node, making, async (file) => {
      const more = new FurtherFiles(graph, protocol, request);
      try {
        await create(file, {
          filename,
          size,
          options,
          host,
          ...(backing === undefined ? {} : { backing }),
          createFile: (name, length) => more.create(name, length),
          openBacking: () => more.openBacking(),
        });
        await more.flush();
      } finally {
        await more.close();
      }
      const [unknown] = options.keys();
      if (unknown !== undefined) {
        throw invalid(`Invalid parameter '${unknown}': images of format '${format}' have no such option`);
      }
      await file.flush();
    });
  } catch (error) {
    const failure = blockErrorOf(error);
    if (failure.code === 'EFBIG') {
      throw new BlockError(`The image size is too large for file format '${format}'`, { code: 'EFBIG', cause: error });
    }
    throw blockErrorOf(failure, `Could not create '${filename}'`);
  }
}

/** What an image is made with besides its own file. */
class FurtherFiles {
  readonly #graph: BlockGraph;
  readonly #protocol: BlockDriver;
  readonly #request: ImageRequest;
  readonly #files: Child[] = [];
  #backing: Child | undefined;

  constructor(graph: BlockGraph, protocol: BlockDriver, request: ImageRequest) {
    this.#graph = graph;
    this.#protocol = protocol;
    this.#request = request;
  }

  async create(filename: string, size: number): Promise<Child> {
    const { locking } = this.#request;
    const options = new BlockOptions(locking === undefined ? [] : [['locking', locking]]);
    await this.#protocol.createFile?.(filename, size, options.clone(), this.#graph.host);
    const node = await this.#graph.open({
      filename,
      role: 'protocol',
      flags: inherited(rootDefaults, 'protocol'),
      options,
    });
    const file = await this.#graph.attachPassing(node, making);
    this.#files.push(file);
    return file;
  }

  async openBacking(): Promise<NodeView> {
    const { filename, backing } = this.#request;
    const opened = await openBackingOf(this.#graph, filename, backing);
    this.#backing = opened;
    return opened.node;
  }

  async flush(): Promise<void> {
    for (const file of this.#files) await file.flush();
  }

  async close(): Promise<void> {
    for (const root of [...this.#files, ...(this.#backing === undefined ? [] : [this.#backing])]) {
      await this.#graph.detachRoot(root);
    }
  }
}

/** Opens the backing file of an image that is made, to look at it. @throws BlockError when there is none, or it cannot be opened */
export async function openBackingOf(
  graph: BlockGraph,
  filename: string,
  backing: BackingFile | undefined,
): Promise<Child> {
  if (backing === undefined) throw invalid('The image has no backing file');
  // It may be what a guest uses.
  const node = await graph.open({
    filename: resolveBackingName(filename, backing.name),
    flags: { ...rootDefaults, readOnly: true, forceShare: true, noBacking: true },
    ...(backing.format === undefined ? {} : { format: backing.format }),
  });
  return graph.attachPassing(node);
}

async function sizeOf(graph: BlockGraph, filename: string, backing: BackingFile | undefined): Promise<number> {
  if (backing === undefined) {
    throw invalid('Image creation needs a size parameter');
  }
  const node = await graph.open({
    filename: resolveBackingName(filename, backing.name),
    flags: { ...rootDefaults, readOnly: true },
    ...(backing.format === undefined ? {} : { format: backing.format }),
  });
  const { length } = node;
  await graph.release(node);
  return length;
}
