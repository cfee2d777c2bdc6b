import { idSyntax, isWellFormedId } from '../../visit/well-formed-id.js';
import { BlockError, invalid } from '../error.js';

/** The most bytes of a node-name. 2.8 cut longer ones silently; like later releases, we refuse them. */
export const longestNodeName = 31;

/** The names of nodes and devices: one namespace, so that a command can take either. */
export class NameSpace {
  readonly #taken = new Map<string, 'node' | 'device'>();
  #generated = 0;

  /** What a name is taken by. */
  kind(name: string): 'node' | 'device' | undefined {
    return this.#taken.get(name);
  }

  /**
   * Takes the name of a node.
   *
   * @param name absent: one is generated, which no user can choose
   * @throws BlockError when it is malformed, too long or taken
   */
  takeNode(name: string | undefined): string {
    if (name === undefined) {
      const generated = this.#generate();
      this.#taken.set(generated, 'node');
      return generated;
    }
    if (!isWellFormedId(name)) {
      throw invalid(`Invalid node-name: '${name}': expected ${idSyntax}`);
    }
    if (name.length > longestNodeName) {
      throw invalid(`Node-name '${name}' is too long: ${longestNodeName} characters are allowed`);
    }
    this.expectFree(name);
    this.#taken.set(name, 'node');
    return name;
  }

  /** @param prefix what messages begin with @throws BlockError when the name of a node is taken */
  expectFree(name: string, prefix = ''): void {
    const kind = this.#taken.get(name);
    if (kind === 'device') throw invalid(`${prefix}node-name=${name} is conflicting with a device id`);
    if (kind === 'node') throw invalid(`${prefix}Duplicate nodes with node-name='${name}'`);
  }

  /** Takes the name of a device. @throws BlockError when it is malformed or taken */
  takeDevice(id: string): void {
    if (!isWellFormedId(id)) throw new BlockError(`Invalid device id '${id}': expected ${idSyntax}`);
    const kind = this.#taken.get(id);
    if (kind === 'device') throw new BlockError(`Device with id '${id}' already exists`);
    if (kind === 'node') throw new BlockError(`Device name '${id}' conflicts with an existing node name`);
    this.#taken.set(id, 'device');
  }

  release(name: string): void {
    this.#taken.delete(name);
  }

  #generate(): string {
    const random = Math.floor(Math.random() * 100);
    return `#block${this.#generated++}${String(random).padStart(2, '0')}`;
  }
}
