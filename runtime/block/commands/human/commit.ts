import type { Backend } from '../../backend/backend.js';
import { strerror } from '../../errno.js';
import { BlockError, deviceNotFound, errnoOf, ioError, noMedium } from '../../error.js';
import type { BlockGraph } from '../../graph/graph.js';
import { insertFilter, removeFilter } from '../../graph/inserted-filter.js';
import type { BlockNode } from '../../graph/node.js';
import { copyStretch } from '../../jobs/copy.js';
import { commitFilter } from '../../jobs/filters.js';
import { openForWriting, type Reopened, restore } from '../../jobs/reopened.js';
import { reading, writing } from '../../jobs/target.js';

/** Bytes that are copied at a time. */
const chunk = 1024 * 1024;

/**
 * Writes what the images of devices have into their backing files, and empties them.
 *
 * @param name a device, or `all` for each that has a backing file
 * @throws BlockError when there is no such device, or it cannot be committed
 */
export async function commitDrives(graph: BlockGraph, backends: Iterable<Backend>, name: string): Promise<void> {
  if (name === 'all') {
    for (const backend of backends) {
      const node = committed(graph, backend);
      if (node?.below !== undefined) await explained(backend.name, () => commit(graph, node));
    }
    return;
  }
  const backend = [...backends].find((each) => each.name === name);
  if (backend === undefined) throw deviceNotFound(name);
  const node = committed(graph, backend);
  if (node === undefined) throw noMedium(name);
  await explained(name, () => commit(graph, node));
}

/** A filter that a user has named has no backing file of its own, and nothing to commit. */
function committed(graph: BlockGraph, backend: Backend): BlockNode | undefined {
  return graph.attachedTo(backend)?.belowImplicit;
}

async function explained(name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const code = errnoOf(error);
    throw new BlockError(`'commit' error for '${name}': ${strerror(code)}`, { code, cause: error });
  }
}

async function commit(graph: BlockGraph, top: BlockNode): Promise<void> {
  const base = top.below;
  if (base === undefined) throw ioError('ENOTSUP');
  top.checkAllowed('commit-source');
  base.checkAllowed('commit-target');
  const reopened: Reopened[] = [];
  const filter = await graph.drained(base, () => insertFilter(graph, base, commitFilter(undefined)));
  try {
    await openForWriting(graph, base, reopened);
    await graph.drained(top, () =>
      graph.using(top, reading, (from) =>
        graph.using(base, writing(base), async (into) => {
          if (base.length < top.length) await into.truncate(top.length);
          for (let offset = 0; offset < top.length; ) {
            const status = await from.blockStatus(offset, top.length - offset);
            const length = status.allocated && !status.zero ? Math.min(status.length, chunk) : status.length;
            if (status.allocated) await copyStretch(from, into, { offset, length });
            offset += length;
          }
          await into.flush();
          await top.instance?.makeEmpty?.();
          await top.requests.flush();
        }),
      ),
    );
  } finally {
    await removeFilter(graph, filter);
    await restore(graph, reopened);
    await graph.letGo(top);
  }
}
