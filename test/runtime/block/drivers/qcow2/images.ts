import type { BackingFile, BlockHost } from '../../../../../runtime/block/driver.js';
import { create } from '../../../../../runtime/block/drivers/qcow2/create.js';
import { BlockOptions, type OptionValue } from '../../../../../runtime/block/options.js';
import { MemoryChild } from '../../memory-child.js';
import { SimulatedClock } from '../../simulated-clock.js';

/** A host without secrets, that allows everything. */
export const testHost: BlockHost = {
  events: { emit: () => {} },
  clock: new SimulatedClock(),
  secret: (id) => Promise.reject(new Error(`no secret '${id}'`)),
  warn: () => {},
  authorize: () => Promise.resolve(),
  fatal: (message) => {
    throw new Error(message);
  },
};

/** A new image in memory. */
export async function createImage(
  size: number,
  options: { readonly [name: string]: OptionValue } = {},
  backing?: BackingFile,
): Promise<MemoryChild> {
  const file = new MemoryChild();
  const left = BlockOptions.flatten(options);
  await create(file, {
    filename: 'test.qcow2',
    size,
    options: left,
    host: testHost,
    ...(backing === undefined ? {} : { backing }),
  });
  if (left.size > 0) throw new Error(`not taken: ${[...left.keys()].join(', ')}`);
  return file;
}
