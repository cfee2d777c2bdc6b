import type {
  BlockPermission,
  XDbgBlockGraphEdge,
  XDbgBlockGraphNode,
  XDbgBlockGraphNodeType,
} from '../../../generated/index.js';
import type { Backend } from '../backend/backend.js';
import type { BlockGraph } from '../graph/graph.js';
import type { BlockNode, NodeEdge, RootOwner } from '../graph/node.js';
import { permissionsOf } from '../graph/usage.js';
import type { Jobs } from '../jobs/jobs.js';
import { namedPermissions, Permission } from '../permissions.js';
import type { BlockHandlers } from './handlers.js';

/** A node, what uses nodes from outside, or an edge through which a job makes its requests, as if by a backend of its own. */
type Vertex = BlockNode | RootOwner | NodeEdge;

/** The command that shows the whole graph: nodes, what uses them from outside, and what each does to the other. */
export function blockGraphCommand(graph: BlockGraph, jobs: Jobs, backends: () => Iterable<Backend>) {
  return {
    'x-debug-query-block-graph'() {
      const nodes = [...graph.nodes].reverse();
      const isJob = new Set<RootOwner>(jobs.all);
      const outside = new Set<RootOwner>([...jobs.all, ...[...backends()].reverse()]);
      for (const { parents } of nodes) {
        for (const { owner } of parents) if ('backend' in owner) outside.add(owner.backend);
      }
      const drawing = new Drawing();
      for (const node of nodes) {
        drawing.add(node, 'block-driver', node.name);
        for (const edge of node.children.values()) drawing.lead(node, edge);
      }
      for (const owner of outside) {
        if (isJob.has(owner)) drawing.add(owner, 'block-job', idOf(owner));
        else drawing.add(owner, 'block-backend', owner.name || deviceOf(owner));
      }
      for (const { parents } of nodes) {
        for (const edge of parents) {
          if (!('backend' in edge.owner)) continue;
          const { backend } = edge.owner;
          const own = isJob.has(backend) && edge.name === 'root';
          if (own) drawing.add(edge, 'block-backend', '');
          drawing.lead(own ? edge : backend, edge);
        }
      }
      return { nodes: drawing.nodes, edges: drawing.edges };
    },
  } satisfies Partial<BlockHandlers>;
}

function idOf(job: RootOwner): string {
  return 'id' in job && typeof job.id === 'string' ? job.id : '';
}

/** Of a backend without a name, the id of its device. */
function deviceOf(owner: RootOwner): string {
  return (owner as Partial<Backend>).device?.id ?? '';
}

/** Numbers what it is given. */
class Drawing {
  readonly nodes: XDbgBlockGraphNode[] = [];
  readonly edges: XDbgBlockGraphEdge[] = [];
  readonly #ids = new Map<Vertex, number>();

  add(vertex: Vertex, type: XDbgBlockGraphNodeType, name: string): void {
    this.nodes.push({ id: this.#id(vertex), type, name });
  }

  lead(parent: Vertex, edge: NodeEdge): void {
    const { uses, shares } = permissionsOf(edge);
    const ends = { parent: this.#id(parent), child: this.#id(edge.node), name: edge.name };
    this.edges.push({ ...ends, perm: permissionNames(uses), 'shared-perm': permissionNames(shares) });
  }

  #id(vertex: Vertex): number {
    const id = this.#ids.get(vertex) ?? this.#ids.size + 1;
    this.#ids.set(vertex, id);
    return id;
  }
}

const onTheWire = new Map<number, BlockPermission>([
  [Permission.consistentRead, 'consistent-read'],
  [Permission.write, 'write'],
  [Permission.writeUnchanged, 'write-unchanged'],
  [Permission.resize, 'resize'],
]);

function permissionNames(set: number): BlockPermission[] {
  return namedPermissions(set).flatMap(([permission]) => onTheWire.get(permission) ?? []);
}
