import type { BlockDriver, Child, OpenContext } from '../../driver.js';
import { invalid } from '../../error.js';
import { Permission } from '../../permissions.js';
import { RequestFlag } from '../../request-flag.js';
import { FilterInstance, filterTraits } from '../shared/filter.js';
import { findEnd, LogFlag, newLog, WriteLog } from './log.js';

const { consistentRead, write, writeUnchanged, resize } = Permission;

/**
 * Logs each write, discard and flush, with its data, in the format of Linux's dm-log-writes: the states that a disk was in can be
 * replayed from it.
 *
 * Options: `log`; `log-sector-size` (bytes; requests are whole sectors of the log), `log-append` (go on with the log that is
 * there), `log-super-update-interval` (entries after which the number of entries is written; a flush writes it as well).
 */
export const blklogwrites: BlockDriver = {
  ...filterTraits,
  name: 'blklogwrites',
  weakOptions: ['log-sector-size', 'log-append', 'log-super-update-interval'],
  childPermissions: (own, _state, child) =>
    child === 'log' ? { uses: consistentRead | write | resize, shares: consistentRead | writeUnchanged } : own,
  async open(context: OpenContext) {
    const { options, file } = context;
    const sectorSize = options.takeInteger('log-sector-size', { least: 0, most: 2 ** 32 - 1 });
    const append = options.takeBoolean('log-append') ?? false;
    const interval = options.takeInteger('log-super-update-interval', { least: 0 }) ?? 4096;
    if (interval === 0) throw invalid('Invalid log superblock update interval 0');
    if (append && sectorSize !== undefined) throw invalid('log-append and log-sector-size are mutually exclusive');
    const state = append ? undefined : newLog(sectorSize ?? 512);
    const log = await context.openChild('log', 'format');
    return new LogWritesInstance(file, new WriteLog(log, state ?? (await findEnd(log)), interval));
  },
};

class LogWritesInstance extends FilterInstance {
  /** A write that is to be durable is followed by a flush, which is logged. */
  override readonly writeFlags = RequestFlag.mayUnmap;
  readonly #log: WriteLog;

  constructor(file: Child, log: WriteLog) {
    super(file);
    this.#log = log;
  }

  override get requestAlignment(): number {
    return Math.max(super.requestAlignment, this.#log.sectorSize);
  }

  override async write(offset: number, data: Uint8Array, flags: number): Promise<void> {
    await super.write(offset, data, flags);
    await this.#log.add(0, offset, data.length, data);
  }

  override async writeZeroes(offset: number, length: number, flags: number): Promise<void> {
    await super.writeZeroes(offset, length, flags);
    await this.#log.add(0, offset, length);
  }

  override async discard(offset: number, length: number): Promise<void> {
    await super.discard(offset, length);
    await this.#log.add(LogFlag.discard, offset, length);
  }

  /** The file is flushed before that is logged: what the log says to be on the disk is there. */
  async flushToOs(): Promise<void> {
    await this.file.flush();
    await this.#log.add(LogFlag.flush, 0, 0);
  }
}
