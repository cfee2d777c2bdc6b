import type {
  BlockHost,
  Child,
  DriverInstance,
  NodeFlags,
  NodeView,
  OpenContext,
} from '../../../../../runtime/block/driver.js';
import { qcow2 } from '../../../../../runtime/block/drivers/qcow2/index.js';
import { BlockOptions, type OptionValue } from '../../../../../runtime/block/options.js';
import { testHost } from './images.js';

/** How an image is opened. */
export interface Opening {
  readonly backing?: Child;
  readonly options?: { readonly [name: string]: OptionValue };
  readonly flags?: Partial<NodeFlags>;
  readonly noIo?: boolean;
  readonly host?: BlockHost;
  /** The data file. */
  readonly data?: Child;
}

/** An open image, without a graph around it. */
export interface Opened {
  readonly instance: Required<DriverInstance>;
  /** The node that it believes to be. */
  readonly node: { flags: NodeFlags; backing: Child | undefined };
}

/** Opens an image on a child. */
export async function openOn(file: Child, opening: Opening = {}): Promise<Opened> {
  const node = {
    name: 'test',
    driver: qcow2,
    flags: { readOnly: false, direct: false, noFlush: false, unmap: true, ...opening.flags },
    length: 0,
    filename: 'test.qcow2',
    children: new Map([['file', file]]),
    backing: undefined as Child | undefined,
    get under(): Child | undefined {
      return this.backing;
    },
    requestAlignment: 512,
    deviceOrNodeName: 'drive0',
    deviceName: 'drive0',
  } satisfies NodeView;
  const options = BlockOptions.flatten(opening.options ?? {});
  const context: OpenContext = {
    node,
    options,
    probed: false,
    noIo: opening.noIo ?? false,
    host: opening.host ?? testHost,
    file,
    openChild: () =>
      opening.data === undefined ? Promise.reject(new Error('no children')) : Promise.resolve(opening.data),
    attachChild: () => {
      throw new Error('no children');
    },
    detachChild: () => Promise.reject(new Error('no children')),
  };
  const instance = (await qcow2.open(context)) as Required<DriverInstance>;
  if (options.size > 0) throw new Error(`not taken: ${[...options.keys()].join(', ')}`);
  // The layer opens the backing file after the driver.
  node.backing = opening.backing;
  return { instance, node };
}

/** What is on the disk from `offset` on. */
export async function contents({ instance }: Opened, offset = 0, length = instance.length): Promise<Buffer> {
  const buffer = Buffer.alloc(length, 0xee);
  await instance.read(offset, buffer, 0);
  return buffer;
}

/** A buffer full of one byte. */
export function filled(length: number, byte: number): Uint8Array {
  return new Uint8Array(length).fill(byte);
}
