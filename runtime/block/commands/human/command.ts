import type { BlockDeviceInfo, BlockInfo, Commands } from '../../../../generated/index.js';
import type { DriveConfig, DriveRegistry } from '../../drive/config.js';
import type { BlockOptions } from '../../options.js';
import type { HumanLine, HumanSyntax } from './line.js';

/** What the lines of the human monitor work on. */
export interface HumanMonitor {
  /** The names and slots that are taken. */
  readonly registry: DriveRegistry;
  /** @throws BlockError when the drive cannot be made; nothing is left of it then */
  addDrive(config: DriveConfig): Promise<void>;
  /**
   * Adds a node as `blockdev-add` does, from flat options that are text.
   *
   * @throws BlockError when it cannot be opened
   */
  addNode(options: BlockOptions): Promise<void>;
  /**
   * Deletes a drive by its id, or a node by its node-name.
   *
   * @throws BlockError when it does not exist or is in use
   */
  deleteDrive(name: string): Promise<void>;
  /** What `query-block` returns. */
  devices(): Promise<readonly BlockInfo[]>;
  /** What `query-named-block-nodes` returns. */
  nodes(): Promise<readonly BlockDeviceInfo[]>;
  /** Executes a command of the protocol. @throws QmpError as its client would receive it */
  run<Name extends keyof Commands>(name: Name, args: Commands[Name]['arguments']): Promise<Commands[Name]['returns']>;
  /** Writes what the images of devices have into their backing files. @param device `all` for each that has one. @throws BlockError */
  commit(device: string): Promise<void>;
  /** Runs a line of `qemu-io` on a device or node. @returns what is printed. @throws BlockError when neither exists */
  io(name: string, line: string): Promise<readonly string[]>;
}

/** A command of the human monitor. */
export interface HumanCommand extends HumanSyntax {
  /** How it is written, and what it is for. */
  readonly help: string;
  run(line: HumanLine<HumanCommand>, monitor: HumanMonitor, print: (text: string) => void): Promise<void> | void;
}
