import type { IoArguments, IoSyntax } from './arguments.js';
import type { IoDisk } from './disk.js';

/** A command of `qemu-io`. */
export interface IoCommand extends IoSyntax {
  /** @returns what is printed. @throws BlockError whose message is printed */
  run(disk: IoDisk, args: IoArguments): Promise<readonly string[]> | readonly string[];
}
