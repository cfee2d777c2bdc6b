import type { DriverInstance } from '../../../../../runtime/block/driver.js';
import { luks } from '../../../../../runtime/block/drivers/luks/luks.js';
import { BlockError } from '../../../../../runtime/block/error.js';
import { BlockOptions, type OptionValue } from '../../../../../runtime/block/options.js';
import { MemoryChild } from '../../memory-child.js';
import { contextFor, quietHost } from '../file-context.js';

/** The secrets of {@link host}. */
const secrets: { readonly [id: string]: Uint8Array | undefined } = {
  right: Buffer.from('correct horse'),
  wrong: Buffer.from('battery staple'),
  empty: new Uint8Array(),
  binary: Uint8Array.of(0xff, 0xfe),
  nul: Uint8Array.of(0x61, 0, 0x62),
};

const host = quietHost({
  async secret(id) {
    const data = secrets[id];
    if (data === undefined) throw new BlockError(`No secret with id '${id}'`);
    return data;
  },
});

export type Options = { readonly [key: string]: OptionValue };

/** Makes a volume that the secret `right` unlocks, in a hurry unless the options say how long to take. */
export async function create(size: number, options: Options = {}, file = new MemoryChild()): Promise<MemoryChild> {
  const all = new BlockOptions(Object.entries({ 'key-secret': 'right', 'iter-time': 0, ...options }));
  const alone = () => Promise.reject(new Error('a volume is one file'));
  await luks.create?.(file, { filename: 'a.luks', size, options: all, host, createFile: alone, openBacking: alone });
  if (all.size > 0) throw new Error(`Unused: ${[...all.keys()]}`);
  return file;
}

/** Opens a volume with the secret `right`, unless the options name another. */
export function open(
  file: MemoryChild,
  options: { readonly 'key-secret'?: string } = { 'key-secret': 'right' },
  noIo = false,
): Promise<DriverInstance> {
  return luks.open({ ...contextFor(luks, { options, host, file }), noIo });
}
