/**
 * Collects what a description of a disk refers to, however deep: nodes by name, and files.
 *
 *     node build/visitor.js '{ "driver": "qcow2", "file": { "driver": "file", "filename": "a.qcow2" }, "backing": "base" }'
 *
 * Generated code knows every type of the schema and hands its members to a visitor, so that a visitor need not.
 */
import { decode, type JsonKind, type Name, VisitError, WalkVisitor } from 'qapi-ts/runtime';
import { visitBlockdevOptions } from './generated/index.js';

class References extends WalkVisitor {
  readonly nodes: string[] = [];
  readonly files: string[] = [];

  /** A `BlockdevRef` is a node's name or a whole description, a `BlockdevRefOrNull` also null. */
  override alternate(value: unknown, name: Name, type: string): JsonKind {
    if (type.startsWith('BlockdevRef') && typeof value === 'string') this.nodes.push(value);
    return super.alternate(value, name, type);
  }

  override str(value: unknown, name: Name): string {
    if (name === 'filename') this.files.push(value as string);
    return super.str(value, name);
  }
}

const [text = '{ "driver": "raw", "file": "base" }'] = process.argv.slice(2);
try {
  const options = decode(visitBlockdevOptions, JSON.parse(text));
  const references = new References();
  visitBlockdevOptions(references, options);
  console.log(`nodes: ${references.nodes.join(', ')}`);
  console.log(`files: ${references.files.join(', ')}`);
} catch (error) {
  if (!(error instanceof VisitError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
