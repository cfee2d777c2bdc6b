import type {
  BlockDriver,
  Child,
  DriverInstance,
  NodeFlags,
  OpenContext,
} from '../../../../../runtime/block/driver.js';
import { BlockError } from '../../../../../runtime/block/error.js';
import { BlockOptions, type OptionValue } from '../../../../../runtime/block/options.js';
import { MemoryChild } from '../../memory-child.js';
import { testHost } from '../qcow2/images.js';

/** How an image is opened. */
export interface Opening {
  readonly backing?: Child;
  readonly options?: { readonly [name: string]: OptionValue };
  readonly flags?: Partial<NodeFlags>;
  readonly noIo?: boolean;
  /** Other files, by name. */
  readonly files?: ReadonlyMap<string, Child>;
}

/** Opens an image on a child, without a graph around it. */
export async function openOn(driver: BlockDriver, file: Child, opening: Opening = {}): Promise<DriverInstance> {
  const node = {
    name: 'test',
    driver,
    flags: { readOnly: false, direct: false, noFlush: false, unmap: true, ...opening.flags },
    length: 0,
    filename: 'test.image',
    children: new Map([['file', file]]),
    backing: undefined as Child | undefined,
    get under(): Child | undefined {
      return this.backing;
    },
    requestAlignment: 512,
    deviceOrNodeName: 'drive0',
    deviceName: 'drive0',
  };
  const options = BlockOptions.flatten(opening.options ?? {});
  const context: OpenContext = {
    node,
    options,
    probed: false,
    noIo: opening.noIo ?? false,
    host: testHost,
    file,
    openChild: async (_name, _role, filename = '') => {
      const child = opening.files?.get(filename);
      if (child === undefined) throw new BlockError(`There is no '${filename}'`, { code: 'ENOENT' });
      return child;
    },
    attachChild: () => {
      throw new Error('no children');
    },
    detachChild: async () => {},
  };
  const instance = await driver.open(context);
  if (options.size > 0) throw new Error(`not taken: ${[...options.keys()].join(', ')}`);
  // The layer opens the backing file after the driver.
  node.backing = opening.backing;
  return instance;
}

/** A new image in memory. */
export async function createOn(
  driver: BlockDriver,
  size: number,
  options: { readonly [name: string]: OptionValue } = {},
  backing?: string,
): Promise<MemoryChild> {
  const file = new MemoryChild();
  const left = BlockOptions.flatten(options);
  await driver.create?.(file, {
    filename: 'test.image',
    size,
    options: left,
    host: testHost,
    createFile: () => Promise.reject(new Error('no other files')),
    openBacking: () => Promise.reject(new Error('no backing file')),
    ...(backing === undefined ? {} : { backing: { name: backing } }),
  });
  if (left.size > 0) throw new Error(`not taken: ${[...left.keys()].join(', ')}`);
  return file;
}

/** What is on the disk from `offset` on. */
export async function contentsOf(instance: DriverInstance, offset = 0, length = instance.length): Promise<Buffer> {
  const buffer = Buffer.alloc(length, 0xee);
  await instance.read(offset, buffer, 0);
  return buffer;
}
