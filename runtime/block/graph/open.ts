import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { BlockdevDetectZeroesOptions } from '../../../generated/index.js';
import type { BlockDriver, BlockHost, Child, ChildRole, NodeView, OpenContext } from '../driver.js';
import { BlockError, blockErrorOf } from '../error.js';
import { BlockOptions, type OptionValue } from '../options.js';
import { Edge } from './edge.js';
import { isJsonName, parseJsonName, protocolOf, resolveBackingName } from './filename.js';
import { inherited, type OpenFlags, rootDefaults, takeDetectZeroes, takeFlags } from './flags.js';
import type { NameSpace } from './names.js';
import { BlockNode } from './node.js';
import type { DriverRegistry } from './registry.js';
import { checkWhitelist, type DriverWhitelist } from './whitelist.js';

/** The most links of a backing chain. What is longer is a mistake, and each link costs a file handle. */
const longestChain = 1000;

/** What opening needs of the graph. */
export interface OpenEnvironment {
  readonly host: BlockHost;
  readonly drivers: DriverRegistry;
  readonly names: NameSpace;
  readonly whitelist: DriverWhitelist;
  /** A node by device name or node-name. @throws BlockError */
  reference(name: string): BlockNode;
  /** A node begins to exist: its name is taken. */
  register(node: BlockNode): void;
  /** A node is no more: its name is free. */
  forget(node: BlockNode): void;
  /** Lets go of a node that nobody holds any more. */
  release(node: BlockNode): Promise<void>;
  /** Puts a node under another as its backing file. */
  link(overlay: BlockNode, backing: BlockNode): void;
}

/** What is to be opened. */
export interface OpenRequest {
  /** A file name, perhaps with a prefix, or `json:` and an object. */
  readonly filename?: string | undefined;
  /** Flat options, explicit ones of the user. They are not changed. */
  readonly options?: BlockOptions;
  /** What the node gets where the options say nothing. Default: {@link rootDefaults}. */
  readonly flags?: OpenFlags;
  /** What it is for its parent. Absent: it is opened for itself, like a format child. */
  readonly role?: ChildRole;
  /** The driver where the options name none: from an overlay's header. */
  readonly format?: string | undefined;
  /** Reads copy into the node what they take from its backing file. */
  readonly copyOnRead?: boolean;
  /** Instead of the option, and without its check: drives set it after opening. */
  readonly detectZeroes?: BlockdevDetectZeroesOptions;
  /** The file names of the overlays above, so that a circle is found. */
  readonly above?: readonly string[];
}

/**
 * Opens a node with all that is below it. One that fails leaves nothing behind: no handle, no name, no child.
 *
 * @throws BlockError that says what cannot be opened
 */
export async function openNode(environment: OpenEnvironment, request: OpenRequest): Promise<BlockNode> {
  const opening = new Opening(environment, request);
  try {
    return await opening.run();
  } catch (error) {
    await opening.undo();
    throw blockErrorOf(error);
  }
}

class Opening {
  readonly #environment: OpenEnvironment;
  readonly #request: OpenRequest;
  readonly #options: BlockOptions;
  /** The file name that is left to be used by somebody. */
  #filename: string | undefined;
  /** Edges that were made before there is a node to have them. */
  readonly #edges: Edge[] = [];
  /** Children that were opened, not referred to, before there is a node. */
  readonly #opened: BlockNode[] = [];
  #node: BlockNode | undefined;

  constructor(environment: OpenEnvironment, request: OpenRequest) {
    this.#environment = environment;
    this.#request = request;
    this.#filename = request.filename;
    this.#options = request.options?.clone() ?? new BlockOptions();
  }

  async run(): Promise<BlockNode> {
    const { names, whitelist } = this.#environment;
    const options = this.#options;
    if (this.#filename !== undefined && isJsonName(this.#filename)) {
      for (const [key, value] of parseJsonName(this.#filename).entries()) options.default(key, value);
      this.#filename = undefined;
    }
    let flags = takeFlags(options, this.#request.flags ?? rootDefaults);
    const backing = this.#takeBacking();
    if (backing === null) flags = { ...flags, noBacking: true };
    const given = this.#given();
    let driver = await this.#chooseDriver();
    const probed = driver === undefined;
    const place: { node: BlockNode | undefined } = { node: undefined };
    let file: Edge | undefined;
    if (driver === undefined || driver.kind === 'format') {
      file = await this.#openChild(place, 'file', 'protocol', this.#filename, flags);
      this.#filename = undefined;
      driver ??= await this.#probe(file);
    } else if (this.#filename !== undefined) {
      if (options.has('filename')) {
        throw new BlockError("Can't specify 'file' and 'filename' options at the same time", { code: 'EINVAL' });
      }
      given.set('filename', this.#filename);
      if (driver.parseFilename) driver.parseFilename(this.#filename, options);
      else options.set('filename', this.#filename);
      this.#filename = undefined;
    }
    if (driver.needsFilename && (options.get('filename') ?? '') === '') {
      throw new BlockError(`The '${driver.name}' block driver requires a file name`, { code: 'EINVAL' });
    }
    const nodeName = options.takeString('node-name');
    const name = names.takeNode(nodeName);
    const node = new BlockNode({ name, driver, flags, mayWrite: flags.mayWrite === true, given });
    this.#node = place.node = node;
    this.#environment.register(node);
    for (const edge of this.#edges) node.children.set(edge.name, edge);
    this.#edges.length = 0;
    for (const child of this.#opened) child.opener = node;
    checkWhitelist(whitelist, driver.name, flags.readOnly);
    if (this.#request.copyOnRead) {
      if (flags.readOnly) {
        throw new BlockError("Can't use copy-on-read on read-only device", { code: 'EINVAL' });
      }
      node.requests.copyOnRead = 1;
    }
    node.detectZeroes = this.#request.detectZeroes ?? takeDetectZeroes(options, flags);
    const instance = await driver.open(this.#context(node, place, flags, file, probed));
    node.instance = instance;
    if (instance.forcesReadOnly) {
      node.flags = { ...flags, readOnly: true };
      node.mayWrite = false;
    }
    // A length that cannot be told is an error of opening, not of the first request.
    if (!Number.isSafeInteger(instance.length)) throw new BlockError('The image is too large', { code: 'EFBIG' });
    node.describe();
    node.backingName = instance.backingFile?.name;
    node.backingFormat = instance.backingFile?.format;
    if (!flags.noBacking) await this.#openBacking(node, flags, backing ?? undefined);
    else if (backing instanceof BlockOptions && backing.size > 0) throw leftover(driver, 'backing');
    const [unknown] = options.keys();
    if (unknown !== undefined) throw leftover(driver, unknown);
    node.usable = true;
    return node;
  }

  /** What was given, as it was: for file names and reopening. */
  #given(): BlockOptions {
    return this.#request.options === undefined ? this.#options.clone() : merged(this.#options, this.#request.options);
  }

  /** The options for the backing file: a name, options of its own, `null` for none, or nothing. */
  #takeBacking(): string | BlockOptions | null | undefined {
    const reference = this.#options.take('backing');
    const own = this.#options.takeUnder('backing');
    if (reference === '' || reference === null) return null;
    if (reference === undefined) return own.size > 0 ? own : undefined;
    if (typeof reference !== 'string') throw new BlockError("Option 'backing' must be a node-name", { code: 'EINVAL' });
    if (own.size > 0) throw referenceWithOptions('backing');
    return reference;
  }

  /** The driver that is asked for; nothing when the data has to tell. */
  async #chooseDriver(): Promise<BlockDriver | undefined> {
    const { drivers } = this.#environment;
    const { role, format } = this.#request;
    const options = this.#options;
    const name = options.takeString('driver');
    if (name !== undefined) return drivers.named(name);
    if (role === 'protocol') {
      const filename = this.#filename ?? options.get('filename');
      if (typeof filename === 'string') return drivers.forFilename(filename, this.#filename !== undefined);
      throw new BlockError('Must specify either driver or file', { code: 'EINVAL' });
    }
    if (format !== undefined) return drivers.named(format);
    if (this.#filename === undefined && !options.has('file') && !options.hasUnder('file')) {
      throw new BlockError('Must specify either driver or file', { code: 'EINVAL' });
    }
    return undefined;
  }

  async #probe(file: Edge): Promise<BlockDriver> {
    const { drivers } = this.#environment;
    const { node } = file;
    if (!(node as BlockNode).inserted || node.length === 0) return drivers.named('raw');
    const head = Buffer.alloc(Math.min(512, node.length));
    try {
      await file.read(0, head);
    } catch (error) {
      throw blockErrorOf(error, 'Could not read image for determining its format');
    }
    return drivers.probe(head, node.filename);
  }

  #context(
    node: BlockNode,
    place: { node: BlockNode | undefined },
    flags: OpenFlags,
    file: Edge | undefined,
    probed: boolean,
  ): OpenContext {
    const environment = this.#environment;
    return {
      node,
      options: this.#options,
      probed,
      noIo: flags.noIo,
      host: environment.host,
      get file(): Child {
        if (file === undefined) throw new Error(`Driver ${node.driver.name} has no file`);
        return file;
      },
      probe: (head, filename) => environment.drivers.probe(head, filename).name,
      openChild: (name, role, filename) => this.#openChild(place, name, role, filename, flags),
      attachChild(name: string, role: ChildRole, child: NodeView): Child {
        const edge = new Edge(name, role, { node }, child as BlockNode);
        node.children.set(name, edge);
        return edge;
      },
      async detachChild(child: Child): Promise<void> {
        const edge = child as Edge;
        node.children.delete(edge.name);
        edge.cut();
        await environment.release(edge.node as BlockNode);
      },
    };
  }

  /** Opens a child from `NAME` (a reference), `NAME.*` (a definition), or a file name. */
  async #openChild(
    place: { node: BlockNode | undefined },
    name: string,
    role: ChildRole,
    filename: string | undefined,
    flags: OpenFlags,
  ): Promise<Edge> {
    const reference = this.#options.take(name);
    const own = this.#options.takeUnder(name);
    const child = await this.#child(name, role, filename, flags, reference, own);
    const edge = new Edge(name, role, place, child);
    if (place.node) place.node.children.set(name, edge);
    else this.#edges.push(edge);
    if (reference === undefined) {
      if (place.node) child.opener = place.node;
      else this.#opened.push(child);
    }
    return edge;
  }

  async #child(
    name: string,
    role: ChildRole,
    filename: string | undefined,
    flags: OpenFlags,
    reference: OptionValue | undefined,
    options: BlockOptions,
  ): Promise<BlockNode> {
    if (reference !== undefined) {
      if (typeof reference !== 'string')
        throw new BlockError(`Option '${name}' must be a node-name`, { code: 'EINVAL' });
      if (options.size > 0) throw referenceWithOptions(name);
      if (filename !== undefined) {
        throw new BlockError("Can't specify 'file' and 'filename' options at the same time", { code: 'EINVAL' });
      }
      return this.#environment.reference(reference);
    }
    if (filename === undefined && options.size === 0) {
      throw new BlockError(`A block device must be specified for "${name}"`, { code: 'EINVAL' });
    }
    const { above } = this.#request;
    const request = {
      filename,
      options,
      role,
      flags: inherited(flags, role),
      ...(above === undefined ? {} : { above }),
    };
    return openNode(this.#environment, request);
  }

  async #openBacking(node: BlockNode, flags: OpenFlags, wanted: string | BlockOptions | undefined): Promise<void> {
    const header = node.open.backingFile;
    if (wanted === undefined && header === undefined) return;
    if (!node.driver.supportsBacking) {
      if (wanted instanceof BlockOptions) {
        const [key] = wanted.keys();
        throw leftover(node.driver, key === undefined ? 'backing' : `backing.${key}`);
      }
      throw new BlockError(`Driver '${node.driver.name}' doesn't support backing files`, { code: 'EINVAL' });
    }
    try {
      if (typeof wanted === 'string') {
        // A backing file that was chosen by hand is what the overlay is over from now on, whatever its header says.
        this.#environment.link(node, this.#environment.reference(wanted));
        return;
      }
      const options = wanted ?? new BlockOptions();
      const named = options.has('file') || options.hasUnder('file') || options.has('filename');
      const filename = named || header === undefined ? undefined : resolveBackingName(node.filename, header.name);
      const own = await canonical(node.filename);
      const { above = [] } = this.#request;
      if (above.includes(own)) {
        throw new BlockError(`The backing chain runs in a circle: '${node.filename}' is its own backing file`, {
          code: 'ELOOP',
        });
      }
      if (above.length > longestChain) {
        throw new BlockError(`The backing chain has more than ${longestChain} links`, { code: 'ELOOP' });
      }
      const backing = await openNode(this.#environment, {
        filename,
        options,
        role: 'backing',
        flags: inherited(flags, 'backing'),
        format: header?.format,
        above: [...above, own],
      });
      backing.opener = node;
      this.#environment.link(node, backing);
    } catch (error) {
      throw blockErrorOf(error, 'Could not open backing file');
    }
  }

  /** Closes what was opened, and frees the name. */
  async undo(): Promise<void> {
    for (const edge of this.#edges) {
      edge.cut();
      await this.#environment.release(edge.node as BlockNode);
    }
    if (this.#node === undefined) return;
    this.#environment.forget(this.#node);
    await closeNode(this.#environment, this.#node);
  }
}

/** Closes a node that nobody holds, and lets go of its children. Its name is not its own any more. */
export async function closeNode(
  environment: Pick<OpenEnvironment, 'release' | 'host'>,
  node: BlockNode,
): Promise<void> {
  const { instance } = node;
  node.usable = false;
  await node.requests.tracker.idle();
  try {
    if (instance) await node.requests.flush();
  } catch (error) {
    environment.host.warn(`Flushing node '${node.name}' failed: ${blockErrorOf(error).message}`);
  }
  node.instance = undefined;
  try {
    await instance?.close();
  } catch (error) {
    environment.host.warn(`Closing node '${node.name}' failed: ${blockErrorOf(error).message}`);
  }
  node.below?.blockers.remove(node.backingBlocker);
  for (const edge of node.children.values()) {
    const child = edge.node as BlockNode;
    if (child.opener === node) child.opener = undefined;
    edge.cut();
    await environment.release(child);
  }
  node.children.clear();
}

/** A file name such that two names of one file are equal. */
async function canonical(filename: string): Promise<string> {
  if (filename === '' || protocolOf(filename) !== undefined) return filename;
  return realpath(filename).catch(() => resolve(filename));
}

function merged(options: BlockOptions, explicit: BlockOptions): BlockOptions {
  const all = explicit.clone();
  for (const [key, value] of options.entries()) all.default(key, value);
  return all;
}

function leftover({ name, kind }: BlockDriver, option: string): BlockError {
  return new BlockError(`Block ${kind} '${name}' doesn't support the option '${option}'`, { code: 'EINVAL' });
}

function referenceWithOptions(name: string): BlockError {
  return new BlockError(
    `Cannot reference an existing block device with additional options or a new filename ('${name}')`,
    {
      code: 'EINVAL',
    },
  );
}
