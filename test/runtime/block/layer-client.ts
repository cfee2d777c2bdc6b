import { join } from 'node:path';
import { commands } from '../../../generated/index.js';
import { olderForms } from '../../../runtime/block/commands/older-forms.js';
import { createImage } from '../../../runtime/block/graph/create.js';
import { BlockLayer, type BlockLayerOptions } from '../../../runtime/block/layer.js';

/** A block layer behind the generated dispatch, spoken to in-process. */
export class LayerClient implements AsyncDisposable {
  readonly layer: BlockLayer;
  readonly events: { readonly name: string; readonly data: unknown }[] = [];
  readonly warnings: string[] = [];

  constructor(options: Partial<BlockLayerOptions> = {}) {
    this.layer = new BlockLayer({
      events: { emit: (name, data) => void this.events.push({ name, data }) },
      warn: (message) => void this.warnings.push(message),
      ...options,
    });
  }

  /** Executes a command as if it had come over the wire. @throws what its client would receive */
  async execute(name: string, args: object = {}): Promise<unknown> {
    const entry = commands.get(name);
    if (entry === undefined) throw new Error(`There is no command '${name}'`);
    const given = olderForms[name]?.(args as never) ?? args;
    const context = { command: name, outOfBand: false, signal: new AbortController().signal };
    const result = await entry.call(this.layer.handlers as never, entry.arguments.decode(given as never), context);
    return entry.returns ? entry.returns.encode(result as never) : result;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.layer.close();
  }
}

/** Makes two small images in a folder: `top.qcow2` over `base.qcow2`. */
export async function createChain({ graph }: BlockLayer, folder: string): Promise<void> {
  const size = 1 << 20;
  await createImage(graph, { format: 'qcow2', filename: join(folder, 'base.qcow2'), size });
  const backing = { name: 'base.qcow2', format: 'qcow2' };
  await createImage(graph, { format: 'qcow2', filename: join(folder, 'top.qcow2'), size, backing });
}
