import type { BackingFile, BlockHost } from '../../../../../runtime/block/driver.js';
import { create } from '../../../../../runtime/block/drivers/qcow2/create.js';
import { BlockOptions, type OptionValue } from '../../../../../runtime/block/options.js';
import { MemoryChild, type MemoryStep } from '../../memory-child.js';
import { resized } from '../../resized.js';
import { SimulatedClock } from '../../simulated-clock.js';

/** A host with one secret, that allows everything. */
export const testHost: BlockHost = {
  events: { emit: () => {} },
  clock: new SimulatedClock(),
  secret: (id) =>
    id === 'right' ? Promise.resolve(Buffer.from('correct horse')) : Promise.reject(new Error(`no secret '${id}'`)),
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
    createFile: async (_, length) => new MemoryChild(new Uint8Array(length)),
    openBacking: () => Promise.reject(new Error('no backing file')),
    ...(backing === undefined ? {} : { backing }),
  });
  if (left.size > 0) throw new Error(`not taken: ${[...left.keys()].join(', ')}`);
  return file;
}

/** What an image was after each of the steps. */
export function* histories(bytes: Uint8Array, steps: readonly MemoryStep[]): Generator<MemoryChild> {
  let current: Uint8Array = bytes.slice();
  for (const step of steps) {
    if (step.kind !== 'write') continue;
    current = resized(current, Math.max(current.length, step.offset + step.data.length));
    current.set(step.data, step.offset);
    yield new MemoryChild(current.slice());
  }
}

/** A snapshot whose times are of no matter. */
export const snapshotInfo = {
  id: '1',
  name: 'one',
  'vm-state-size': 0,
  'date-sec': 0,
  'date-nsec': 0,
  'vm-clock-sec': 0,
  'vm-clock-nsec': 0,
};
