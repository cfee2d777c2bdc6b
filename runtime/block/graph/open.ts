import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { BlockdevDetectZeroesOptions } from '../../../generated/index.js';
import type { BlockDriver, BlockHost, Child, ChildRole, NodeView, OpenContext } from '../driver.js';
import { BlockError, blockErrorOf, invalid } from '../error.js';
import { decodeFileName, systemPath } from '../file-name.js';
import { BlockOptions, type OptionValue } from '../options.js';
import { type CloseEnvironment, closeNode } from './close.js';
import { Edge, type EdgeChanges } from './edge.js';
import { isJsonName, parseJsonName, placeOf, protocolOf, resolveBackingName } from './filename.js';
import { inherited, nodeFlagsOf, type OpenFlags, rootDefaults, takeDetectZeroes, takeFlags } from './flags.js';
import type { NameSpace } from './names.js';
import { BlockNode, type NodeEdge } from './node.js';
import type { DriverRegistry } from './registry.js';
import type { Usage } from './usage.js';
import { checkWhitelist, type DriverWhitelist } from './whitelist.js';

/** The most links of a backing chain. What is longer is a mistake, and each link costs a file handle. */
const longestChain = 1000;

/** What opening needs of the graph. */
export interface OpenEnvironment extends CloseEnvironment {
  readonly host: BlockHost;
  readonly drivers: DriverRegistry;
  readonly names: NameSpace;
  readonly whitelist: DriverWhitelist;
  readonly edgeChanges: EdgeChanges;
  readonly usage: Usage;
  /** The open node of a name. @throws BlockError */
  namedNode(name: string): BlockNode;
  /** A node by device name or node-name. @throws BlockError */
  reference(name: string): BlockNode;
  /** A node begins to exist: its name is taken. */
  register(node: BlockNode): void;
  /** A node has been opened, and is about to be used. */
  opened(node: BlockNode): Promise<void>;
  /** A node is no more: its name is free. */
  forget(node: BlockNode): void;
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
  /** What the request and the options say. A driver may find that it can do less. */
  #flags: OpenFlags = rootDefaults;
  /** The file name that is still to be used. */
  #filename: string | undefined;
  /** The owner of the edges. There is no node before the driver is known, for which `file` may have to be open. */
  readonly #owner: { node: BlockNode | undefined } = { node: undefined };
  /** Edges that were made before there is a node to have them. */
  readonly #edges: NodeEdge[] = [];
  /** Children that were opened, not referred to, before there is a node. */
  readonly #opened: BlockNode[] = [];

  constructor(environment: OpenEnvironment, request: OpenRequest) {
    this.#environment = environment;
    this.#request = request;
    this.#filename = request.filename;
    this.#options = request.options?.clone() ?? new BlockOptions();
  }

  async run(): Promise<BlockNode> {
    const options = this.#options;
    this.#takeJsonName();
    this.#flags = takeFlags(options, this.#request.flags ?? rootDefaults);
    const backing = this.#takeBacking();
    if (backing === null) this.#flags = { ...this.#flags, noBacking: true };
    const given = this.#given();
    let driver = await this.#chooseDriver();
    const probed = driver === undefined;
    let file: NodeEdge | undefined;
    if (driver === undefined || driver.kind === 'format') {
      file = await this.#openChild('file', 'protocol', this.#filename);
      this.#filename = undefined;
      driver ??= await this.#probe(file);
    } else {
      this.#takeFilename(driver, given);
    }
    if (driver.needsFilename && (options.get('filename') ?? '') === '') {
      throw invalid(`The '${driver.name}' block driver requires a file name`);
    }
    const node = this.#makeNode(driver, given);
    await this.#environment.usage.update([node]);
    await this.#openImage(node, file, probed);
    if (!this.#flags.noBacking) await this.#openBacking(node, backing ?? undefined);
    else if (backing instanceof BlockOptions && backing.size > 0) throw leftover(driver, 'backing');
    const [unknown] = options.keys();
    if (unknown !== undefined) throw leftover(driver, unknown);
    await this.#environment.usage.update([node]);
    await this.#environment.opened(node);
    node.usable = true;
    return node;
  }

  /** Adds the options that a `json:` name stands for. Those that are given themselves have precedence. */
  #takeJsonName(): void {
    if (this.#filename === undefined || !isJsonName(this.#filename)) return;
    for (const [key, value] of parseJsonName(this.#filename).entries()) this.#options.default(key, value);
    this.#filename = undefined;
  }

  /** Makes the file name options of a protocol driver. */
  #takeFilename(driver: BlockDriver, given: BlockOptions): void {
    const filename = this.#filename;
    if (filename === undefined) return;
    if (this.#options.has('filename')) throw fileAndFilename();
    given.set('filename', filename);
    if (driver.parseFilename) driver.parseFilename(filename, this.#options);
    else this.#options.set('filename', filename);
    this.#filename = undefined;
  }

  /** Makes the node, which has its name and its children from now on, and takes the options that every node has. */
  #makeNode(driver: BlockDriver, given: BlockOptions): BlockNode {
    const { names, whitelist, edgeChanges } = this.#environment;
    const { copyOnRead, detectZeroes } = this.#request;
    const flags = this.#flags;
    const name = names.takeNode(this.#options.takeString('node-name'));
    const node = new BlockNode({ name, driver, flags: nodeFlagsOf(flags), given, edgeChanges });
    this.#owner.node = node;
    this.#environment.register(node);
    for (const edge of this.#edges) node.children.set(edge.name, edge);
    this.#edges.length = 0;
    for (const child of this.#opened) child.opener = node;
    checkWhitelist(whitelist, driver.name, flags.readOnly);
    if (copyOnRead) {
      if (flags.readOnly) throw invalid("Can't use copy-on-read on read-only device");
      node.requests.copyOnRead = 1;
    }
    node.detectZeroes = detectZeroes ?? takeDetectZeroes(this.#options, flags);
    return node;
  }

  /** Has the driver open the image, and notes what its header says. */
  async #openImage(node: BlockNode, file: NodeEdge | undefined, probed: boolean): Promise<void> {
    const instance = await node.driver.open(this.#context(node, file, probed));
    node.instance = instance;
    if (instance.forcesReadOnly) {
      node.flags = { ...node.flags, readOnly: true, ...(node.flags.inactive ? { inactive: { readOnly: true } } : {}) };
    }
    // A length that cannot be represented is an error of opening, not of the first request.
    if (!Number.isSafeInteger(instance.length)) throw new BlockError('The image is too large', { code: 'EFBIG' });
    node.describe();
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
    if (typeof reference !== 'string') throw notANodeName('backing');
    if (own.size > 0) throw referenceWithOptions('backing');
    return reference;
  }

  /** The driver that is asked for; nothing when the data has to tell. */
  async #chooseDriver(): Promise<BlockDriver | undefined> {
    const { drivers, host } = this.#environment;
    const { role, format } = this.#request;
    const options = this.#options;
    const name = options.takeString('driver');
    if (name !== undefined) return drivers.named(name);
    if (role === 'protocol') {
      const filename = this.#filename ?? options.get('filename');
      if (typeof filename === 'string') return drivers.forFilename(filename, this.#filename !== undefined, host);
      throw driverOrFile();
    }
    if (format !== undefined) return drivers.named(format);
    if (this.#filename === undefined && !options.has('file') && !options.hasUnder('file')) {
      throw driverOrFile();
    }
    return undefined;
  }

  async #probe(file: NodeEdge): Promise<BlockDriver> {
    const { drivers } = this.#environment;
    const { node } = file;
    if (!node.inserted || node.length === 0) return drivers.named('raw');
    const head = Buffer.alloc(Math.min(512, node.length));
    try {
      await file.read(0, head);
    } catch (error) {
      throw blockErrorOf(error, 'Could not read image for determining its format');
    }
    return drivers.probe(head, node.filename);
  }

  #context(node: BlockNode, file: NodeEdge | undefined, probed: boolean): OpenContext {
    const environment = this.#environment;
    return {
      node,
      options: this.#options,
      probed,
      noIo: this.#flags.noIo,
      host: environment.host,
      get file(): Child {
        if (file === undefined) throw new Error(`Driver ${node.driver.name} has no file`);
        return file;
      },
      probe: (head, filename) => environment.drivers.probe(head, filename).name,
      openChild: (name, role, filename) => this.#openChild(name, role, filename),
      attachChild(name: string, role: ChildRole, child: NodeView): Child {
        const edge = new Edge(name, role, { node }, environment.namedNode(child.name));
        node.children.set(name, edge);
        return edge;
      },
      async detachChild(child: Child): Promise<void> {
        const edge = node.children.get(child.name);
        if (edge !== child) throw new Error(`'${child.name}' is no child of node '${node.name}'`);
        node.children.delete(edge.name);
        edge.cut();
        await environment.release(edge.node);
      },
    };
  }

  /** Opens a child from `NAME` (a reference), `NAME.*` (a definition), or a file name. */
  async #openChild(name: string, role: ChildRole, filename: string | undefined): Promise<NodeEdge> {
    const reference = this.#options.take(name);
    const own = this.#options.takeUnder(name);
    const child = await this.#child(name, role, filename, reference, own);
    const { node } = this.#owner;
    const edge = new Edge(name, role, this.#owner, child);
    if (node) node.children.set(name, edge);
    else this.#edges.push(edge);
    if (reference === undefined) {
      if (node) child.opener = node;
      else this.#opened.push(child);
    }
    if (node) await this.#environment.usage.update([node]);
    return edge;
  }

  async #child(
    name: string,
    role: ChildRole,
    filename: string | undefined,
    reference: OptionValue | undefined,
    options: BlockOptions,
  ): Promise<BlockNode> {
    if (reference !== undefined) {
      if (typeof reference !== 'string') throw notANodeName(name);
      if (options.size > 0) throw referenceWithOptions(name);
      if (filename !== undefined) throw fileAndFilename();
      return this.#environment.reference(reference);
    }
    if (filename === undefined && options.size === 0) {
      throw invalid(`A block device must be specified for "${name}"`);
    }
    const { above } = this.#request;
    const request = {
      filename,
      options,
      role,
      flags: inherited(this.#flags, role),
      ...(above === undefined ? {} : { above }),
    };
    return openNode(this.#environment, request);
  }

  async #openBacking(node: BlockNode, wanted: string | BlockOptions | undefined): Promise<void> {
    const header = node.open.backingFile;
    if (wanted === undefined && header === undefined) return;
    if (!node.driver.supportsBacking) {
      if (wanted instanceof BlockOptions) {
        const [key] = wanted.keys();
        throw leftover(node.driver, key === undefined ? 'backing' : `backing.${key}`);
      }
      throw invalid(`Driver '${node.driver.name}' doesn't support backing files`);
    }
    try {
      if (typeof wanted === 'string') {
        // A backing file that was chosen by hand is what the overlay is over from now on, whatever its header says.
        this.#environment.link(node, this.#environment.reference(wanted));
        return;
      }
      const options = wanted ?? new BlockOptions();
      const asHeaderSays = options.size === 0;
      const named = options.has('file') || options.hasUnder('file') || options.has('filename');
      // Without its backing file, the name of the node itself says that it has none.
      const place = placeOf(node);
      const filename = named || header === undefined ? undefined : resolveBackingName(place, header.name);
      const own = await canonical(place);
      const { above = [] } = this.#request;
      if (above.includes(own)) {
        throw new BlockError(`The backing chain runs in a circle: '${place}' is its own backing file`, {
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
        flags: inherited(this.#flags, 'backing'),
        format: header?.format,
        above: [...above, own],
      });
      backing.opener = node;
      if (asHeaderSays) node.openedFromHeader = backing.filename;
      this.#environment.link(node, backing);
    } catch (error) {
      throw blockErrorOf(error, 'Could not open backing file');
    }
  }

  /** Closes what was opened, and frees the name. */
  async undo(): Promise<void> {
    for (const edge of this.#edges) {
      edge.cut();
      await this.#environment.release(edge.node);
    }
    const { node } = this.#owner;
    if (node === undefined) return;
    this.#environment.forget(node);
    await closeNode(this.#environment, node);
  }
}

/** A file name such that two names of one file are equal. */
async function canonical(filename: string): Promise<string> {
  if (filename === '' || protocolOf(filename) !== undefined) return filename;
  return realpath(systemPath(filename), { encoding: 'buffer' }).then(decodeFileName, () => resolve(filename));
}

function merged(options: BlockOptions, explicit: BlockOptions): BlockOptions {
  const all = explicit.clone();
  for (const [key, value] of options.entries()) all.default(key, value);
  return all;
}

function leftover({ name, kind }: BlockDriver, option: string): BlockError {
  return invalid(`Block ${kind} '${name}' doesn't support the option '${option}'`);
}

function referenceWithOptions(name: string): BlockError {
  return invalid(`Cannot reference an existing block device with additional options or a new filename ('${name}')`);
}

function notANodeName(option: string): BlockError {
  return invalid(`Option '${option}' must be a node-name`);
}

function fileAndFilename(): BlockError {
  return invalid("Can't specify 'file' and 'filename' options at the same time");
}

function driverOrFile(): BlockError {
  return invalid('Must specify either driver or file');
}
