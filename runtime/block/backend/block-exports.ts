import { type BlockExportInfo, type BlockExportType, emitBlockExportDeleted } from '../../../generated/index.js';
import type { EventSink } from '../../qmp/event-sink.js';
import { isWellFormedId } from '../../visit/well-formed-id.js';
import { BlockError, invalid } from '../error.js';
import type { ExportRequest, ExportServer, ServedExport } from './export-server.js';

interface Entry {
  readonly type: BlockExportType;
  readonly served: ServedExport;
  shuttingDown: boolean;
}

/** The exports that have ids, of whatever type: commands call them by these. */
export class BlockExports {
  readonly #entries = new Map<string, Entry>();
  readonly #events: EventSink;

  constructor(events: EventSink) {
    this.#events = events;
  }

  /** @throws BlockError when an id is malformed or taken */
  checkId(id: string): void {
    if (!isWellFormedId(id)) throw invalid('Invalid block export id');
    this.#checkFree(id);
  }

  #checkFree(id: string): void {
    if (this.#entries.has(id)) throw new BlockError(`Block export id '${id}' is already in use`, { code: 'EEXIST' });
  }

  /** Offers an export that an NBD server has. @throws BlockError when the id is taken, and what {@link ExportServer.add} does */
  async add(id: string, server: ExportServer, request: ExportRequest): Promise<void> {
    this.#checkFree(id);
    const onGone = (): void => {
      this.#entries.delete(id);
      emitBlockExportDeleted(this.#events, { id });
    };
    const served = await server.add({ ...request, onGone });
    this.#entries.set(id, { type: 'nbd', served, shuttingDown: false });
  }

  /**
   * Withdraws an export.
   *
   * @param hard also when clients are connected; it is gone some time later then
   * @param later runs a change of the graph once this one is over
   * @throws BlockError when there is none of that id, or it is in use
   */
  async remove(id: string, hard: boolean, later: (change: () => Promise<void>) => void): Promise<void> {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new BlockError(`Export '${id}' is not found`, { code: 'ENOENT' });
    if (entry.shuttingDown) throw new BlockError(`Export '${id}' is already shutting down`, { code: 'EBUSY' });
    const { served } = entry;
    if (!served.isUsed()) {
      await served.remove();
      return;
    }
    if (!hard) {
      throw new BlockError(`export '${id}' still in use: use mode='hard' to force client disconnect`, {
        code: 'EBUSY',
      });
    }
    entry.shuttingDown = true;
    later(() => served.remove());
  }

  /** What queries show, the newest first. */
  describe(): BlockExportInfo[] {
    return Array.from(this.#entries, ([id, { type, served, shuttingDown }]) => ({
      id,
      type,
      'node-name': served.backend.root?.node.name ?? '',
      'shutting-down': shuttingDown,
    })).reverse();
  }
}
