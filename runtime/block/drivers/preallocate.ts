import type { BlockDriver, Child, NodeFlags, OpenContext, Reopening } from '../driver.js';
import { BlockError, invalid } from '../error.js';
import { roundUp, sectorSize } from '../limits.js';
import type { BlockOptions } from '../options.js';
import { FilterInstance, filterTraits } from './shared/filter.js';

/**
 * Makes a file that grows larger in advance, in few large steps, and cuts it again when it is closed. Options: `prealloc-align`
 * (bytes, a multiple of 512), `prealloc-size` (bytes).
 */
export const preallocate: BlockDriver = {
  ...filterTraits,
  name: 'preallocate',
  changeable: ['prealloc-align', 'prealloc-size'],
  weakOptions: ['prealloc-align', 'prealloc-size'],
  async open({ options, file, node }: OpenContext) {
    return new PreallocateInstance(file, takeSteps(options, file), () => node.flags.readOnly);
  },
};

/** How the file grows. */
interface Steps {
  readonly align: number;
  readonly size: number;
}

/** @throws BlockError when the file cannot grow so */
function takeSteps(options: BlockOptions, file: Child): Steps {
  const align = options.takeSize('prealloc-align') ?? 2 ** 20;
  const size = options.takeSize('prealloc-size') ?? 128 * 2 ** 20;
  if (align === 0 || align % sectorSize !== 0)
    throw invalid('prealloc-align parameter of preallocate filter is not aligned to 512');
  if (align % file.node.requestAlignment !== 0) {
    throw invalid('prealloc-align parameter of preallocate filter is not aligned to underlying node request alignment');
  }
  return { align, size };
}

class PreallocateInstance extends FilterInstance {
  #steps: Steps;
  readonly #readOnly: () => boolean;
  /** Where the data ends. */
  #end: number;
  /** Where the file does. */
  #fileEnd: number;
  #growing: Promise<void> | undefined;

  constructor(file: Child, steps: Steps, readOnly: () => boolean) {
    super(file);
    this.#steps = steps;
    this.#readOnly = readOnly;
    this.#end = file.node.length;
    this.#fileEnd = this.#end;
  }

  override get length(): number {
    return this.#end;
  }

  override async write(offset: number, data: Uint8Array, flags: number): Promise<void> {
    await this.#reach(offset + data.length);
    await this.file.write(offset, data, flags);
    this.#end = Math.max(this.#end, offset + data.length);
  }

  override async writeZeroes(offset: number, length: number, flags: number): Promise<void> {
    await this.#reach(offset + length);
    await this.file.writeZeroes(offset, length, flags);
    this.#end = Math.max(this.#end, offset + length);
  }

  override async truncate(size: number): Promise<void> {
    await this.file.truncate(size);
    this.#end = size;
    this.#fileEnd = size;
  }

  override async prepareReopen(_flags: NodeFlags, options?: BlockOptions): Promise<Reopening> {
    const steps = options === undefined ? this.#steps : takeSteps(options, this.file);
    await this.#cut();
    return {
      commit: async () => {
        this.#steps = steps;
        // It may be another file by now.
        this.#end = this.file.node.length;
        this.#fileEnd = this.#end;
      },
      async abort() {},
    };
  }

  override async close(): Promise<void> {
    await this.#cut();
  }

  /** Makes the file larger when a write goes beyond its end. That it cannot is no error: the write makes room itself. */
  async #reach(end: number): Promise<void> {
    while (this.#growing !== undefined) await this.#growing;
    if (end <= this.#fileEnd) return;
    const target = roundUp(end + this.#steps.size, this.#steps.align);
    this.#growing = this.file.writeZeroes(this.#fileEnd, target - this.#fileEnd).then(
      () => {
        this.#fileEnd = target;
      },
      (error: unknown) => {
        if (!(error instanceof BlockError)) throw error;
        this.#fileEnd = Math.max(this.#fileEnd, this.file.node.length);
      },
    );
    try {
      await this.#growing;
    } finally {
      this.#growing = undefined;
    }
  }

  async #cut(): Promise<void> {
    if (this.#readOnly() || this.file.node.length <= this.#end) return;
    await this.file.truncate(this.#end);
    this.#fileEnd = this.#end;
  }
}
