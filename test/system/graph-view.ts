import { type Data, picked, sorted } from './script-compare.js';
import type { Side } from './script-sides.js';

interface Graph {
  readonly nodes: readonly { readonly id: number; readonly name: string; readonly type: string }[];
  readonly edges: readonly {
    readonly parent: number;
    readonly child: number;
    readonly name: string;
    readonly perm: readonly string[];
    readonly 'shared-perm': readonly string[];
  }[];
}

/** A name that is an object of options, whose order means nothing. */
function named(file: string): unknown {
  return file.startsWith('json:') ? sorted(JSON.parse(file.slice('json:'.length))) : file;
}

/** All nodes and edges of a side, and what each edge takes and shares, one a line. Names that were made are left out. */
export async function graphView(side: Side): Promise<string[]> {
  const masked = (value: unknown): string =>
    JSON.stringify(sorted(value))
      .replaceAll(side.folder, '@')
      .replaceAll(/#block\d+/g, '#block');
  const nodes = (await side.execute('query-named-block-nodes', { flat: true })) as Data[];
  const { nodes: vertices, edges } = (await side.execute('x-debug-query-block-graph', {})) as Graph;
  const names = new Map(vertices.map(({ id, name, type }) => [id, type === 'block-driver' ? name : `${type} ${name}`]));
  return [
    // The name of an image whose backing file was chosen by a user is another one here.
    ...nodes.map((node) => {
      const file = node.drv === 'qcow2' ? {} : { file: named(String(node.file)) };
      return masked({ ...picked(node, 'node-name', 'drv', 'ro', 'backing_file'), ...file });
    }),
    ...edges.map(({ parent, child, name, perm, 'shared-perm': shared }) =>
      masked(`${names.get(parent)} -${name}-> ${names.get(child)}: ${perm.toSorted()} / ${shared.toSorted()}`),
    ),
  ].toSorted();
}
