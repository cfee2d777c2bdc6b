import { resolve } from 'node:path';
import type { BlockdevCreateOptions, BlockdevRef } from '../../../generated/index.js';
import type { BackingFile, BlockDriver } from '../driver.js';
import { BlockError, invalid } from '../error.js';
import { makingInNode, openBackingOf } from '../graph/create.js';
import { EmptiedAtFirst } from '../graph/emptied-at-first.js';
import { isJsonName, protocolOf } from '../graph/filename.js';
import { inherited, rootDefaults } from '../graph/flags.js';
import type { BlockGraph } from '../graph/graph.js';
import type { BlockNode } from '../graph/node.js';
import type { Jobs } from '../jobs/jobs.js';
import { inOneStep } from '../jobs/one-step.js';
import { largestSize, roundUp, sectorSize } from '../limits.js';
import { BlockOptions } from '../options.js';
import type { BlockHandlers } from './handlers.js';

/** The command that creates images, each as a job. */
export function createCommand(jobs: Jobs) {
  const { graph } = jobs;
  return {
    async 'blockdev-create'({ 'job-id': id, options }) {
      const driver = graph.drivers.named(options.driver);
      // Whatever can be made has a size.
      if (!('size' in options) || (driver.create ?? driver.createFile) === undefined) {
        throw new BlockError('Driver does not support blockdev-create', { code: 'ENOTSUP' });
      }
      const request = { id, speed: 0, autoDismiss: false };
      const work = inOneStep(() => createOn(graph, driver, options));
      const job = await jobs.create(undefined, 'create', request, [], () => work);
      job.start();
    },
  } satisfies Partial<BlockHandlers>;
}

async function createOn(graph: BlockGraph, driver: BlockDriver, given: BlockdevCreateOptions): Promise<void> {
  const { driver: _, ...rest } = given;
  const members = new Map<string, unknown>(Object.entries(rest));
  const size = take<number | bigint>(members, 'size') ?? 0;
  if (given.driver === 'file') {
    const filename = take<string>(members, 'filename') ?? '';
    // Hints for file systems that have such things.
    for (const hint of ['nocow', 'extent-size-hint']) members.delete(hint);
    checkSize(size);
    await graph.host.authorize(filename);
    await driver.createFile?.(filename, roundUp(Number(size), sectorSize), optionsOf(members), graph.host);
    return;
  }
  for (const name of ['location', 'header'] as const) {
    if (members.has(name)) throw new BlockError(`'${name}' is not supported here`, { code: 'ENOTSUP' });
  }
  const file = take<BlockdevRef>(members, 'file');
  if (file === undefined) throw invalid("Parameter 'file' is missing");
  const backing = backingOf(members);
  const extents = take<BlockdevRef[]>(members, 'extents') ?? [];
  const dataFile = take<BlockdevRef>(members, 'data-file');
  const make = (further: readonly BlockdevRef[]): Promise<void> =>
    withNode(graph, file, async (node) => {
      if (wholeSectors.has(given.driver) && BigInt(size) % BigInt(sectorSize) !== 0n) {
        throw invalid(`Image size must be a multiple of ${sectorSize} bytes`);
      }
      checkSize(size);
      const options = optionsOf(members);
      await createInto(graph, driver, {
        node,
        size: roundUp(Number(size), sectorSize),
        backing,
        extents: further,
        options,
      });
    });
  if (dataFile === undefined) {
    await make(extents);
    return;
  }
  await withNode(graph, dataFile, async (node) => {
    members.set('data-file', fromAnywhere(node.filename));
    await make([node.name]);
  });
}

/** A file name that leads to the same file wherever the image is that names it. */
function fromAnywhere(filename: string): string {
  return filename === '' || isJsonName(filename) || protocolOf(filename) !== undefined ? filename : resolve(filename);
}

function checkSize(size: number | bigint): void {
  if (size > largestSize) throw new BlockError('The image size is too large', { code: 'EFBIG' });
}

interface Creation {
  readonly node: BlockNode;
  readonly size: number;
  readonly backing: BackingFile | undefined;
  readonly extents: readonly BlockdevRef[];
  readonly options: BlockOptions;
}

async function createInto(graph: BlockGraph, driver: BlockDriver, creation: Creation): Promise<void> {
  const { node, size, backing, extents, options } = creation;
  const left = [...extents];
  const opened: (() => Promise<void>)[] = [];
  await graph.using(node, makingInNode, async (old) => {
    const { length } = node;
    // What was there before could be taken for part of the image.
    const keeps = keepsLength(driver.name, options);
    const file = new EmptiedAtFirst(old, keeps);
    try {
      await driver.create?.(file, {
        ...{ filename: node.filename, size, exactSize: true, options, host: graph.host },
        ...(backing !== undefined && { backing }),
        async createFile(_, length) {
          const reference = left.shift();
          if (reference === undefined) throw invalid(`Extent [${extents.length}] not specified`);
          const extent = await openRef(graph, reference);
          const root = await graph.attachPassing(extent, makingInNode);
          opened.push(() => graph.detachRoot(root));
          await root.truncate(length);
          return root;
        },
        async openBacking() {
          const root = await openBackingOf(graph, node.filename, backing);
          opened.push(() => graph.detachRoot(root));
          return root.node;
        },
      });
      if (left.length > 0) throw invalid('List of extents contains unused extents');
      const [unknown] = options.keys();
      if (unknown !== undefined) throw invalid(`'${unknown}' is not supported here`);
      if (keeps && node.length < length) await file.truncate(length);
      await file.flush();
    } finally {
      for (const close of opened) await close();
    }
  });
}

/**
 * Whether an image can be made in a node whose length cannot change, such as a part of a disk. QEMU leaves a file that is longer than such an
 * image as long as it is. A fixed VHD ends with the file.
 */
function keepsLength(format: string, options: BlockOptions): boolean {
  return (
    ['qcow2', 'vdi', 'qcow', 'parallels'].includes(format) || (format === 'vpc' && options.get('subformat') !== 'fixed')
  );
}

/** Formats that count in sectors. */
const wholeSectors: ReadonlySet<string> = new Set(['qcow2', 'vmdk', 'parallels', 'qed']);

async function withNode(graph: BlockGraph, reference: BlockdevRef, work: (node: BlockNode) => Promise<void>) {
  const node = await openRef(graph, reference);
  await graph.holding(node, () => work(node));
}

function openRef(graph: BlockGraph, reference: BlockdevRef): Promise<BlockNode> | BlockNode {
  if (typeof reference === 'string') return graph.reference(reference);
  return graph.open({
    options: BlockOptions.flatten(reference),
    role: 'protocol',
    flags: inherited(rootDefaults, 'protocol'),
  });
}

function backingOf(members: Map<string, unknown>): BackingFile | undefined {
  const name = take<string>(members, 'backing-file');
  const format = take<string>(members, 'backing-fmt');
  if (name === undefined) {
    if (format !== undefined) throw invalid("'backing-fmt' needs 'backing-file'");
    return undefined;
  }
  return format === undefined ? { name } : { name, format };
}

function take<Value>(members: Map<string, unknown>, name: string): Value | undefined {
  const value = members.get(name);
  members.delete(name);
  return value as Value | undefined;
}

/** Options whose names the drivers have as they are: those of LUKS. */
const asTheyAre = /^(key-secret|iter-time|(cipher|hash|ivgen)-.*|encrypt\..*)$/;

/** What is left as the create options of the drivers, which are those of `qemu-img`. */
function optionsOf(members: Map<string, unknown>): BlockOptions {
  const version = take<string>(members, 'version');
  const flat = BlockOptions.flatten(Object.fromEntries(members) as never);
  const options = new BlockOptions();
  for (const key of [...flat.keys()]) {
    const value = flat.take(key);
    if (value !== undefined) options.set(asTheyAre.test(key) ? key : key.replaceAll('-', '_'), value);
  }
  if (version !== undefined) options.set('compat', version === 'v2' ? '0.10' : '1.1');
  return options;
}
