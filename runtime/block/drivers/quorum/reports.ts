import { emitQuorumFailure, emitQuorumReportBad, type QuorumOpType } from '../../../../generated/index.js';
import type { BlockHost, Child, NodeView } from '../../driver.js';
import { type Errno, strerror } from '../../errno.js';
import { sectorSize } from '../../limits.js';

/** What a quorum was asked for, in bytes. */
export interface Request {
  readonly type: QuorumOpType;
  readonly offset: number;
  readonly length: number;
}

/** Tells that a child has failed, or, without `code`, that it was outvoted. */
export function reportBad(host: BlockHost, child: Child, request: Request, code?: Errno): void {
  emitQuorumReportBad(host.events, {
    type: request.type,
    ...(code === undefined ? {} : { error: strerror(code) }),
    'node-name': child.node.name,
    ...sectors(request),
  });
}

/** Tells that too few children have succeeded or agreed. */
export function reportFailure(host: BlockHost, node: NodeView, request: Request): void {
  emitQuorumFailure(host.events, { reference: node.deviceOrNodeName, ...sectors(request) });
}

/** All sectors that a request touches. */
function sectors({ offset, length }: Request): { 'sector-num': number; 'sectors-count': number } {
  const first = Math.floor(offset / sectorSize);
  return { 'sector-num': first, 'sectors-count': Math.ceil((offset + length) / sectorSize) - first };
}
