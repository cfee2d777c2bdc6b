import type { BlockdevChangeMediumArguments, BlockdevChangeReadOnlyMode } from '../../../generated/index.js';
import type { Backend } from '../backend/backend.js';
import { type BackendArguments, type Backends, findBackend } from '../backend/lookup.js';
import { rootPermissions } from '../backend/root-permissions.js';
import { BlockError } from '../error.js';
import { rootDefaults } from '../graph/flags.js';
import type { BlockGraph } from '../graph/graph.js';
import type { BlockNode } from '../graph/node.js';
import type { BlockHandlers } from './handlers.js';

/** What exchanging media needs of the layer. */
export interface MediumContext extends Backends {
  readonly graph: BlockGraph;
  /** Takes the medium out of a device, and away from its clients. */
  eject(backend: Backend): Promise<void>;
}

/** Commands that move trays and exchange media. */
export function mediumCommands(context: MediumContext) {
  const { graph } = context;
  const remove = (args: BackendArguments) => removeMedium(context, findBackend(context, args), args);

  async function insert(args: BackendArguments & { readonly 'node-name': string }): Promise<void> {
    const backend = findBackend(context, args);
    const name = args['node-name'];
    const node = graph.node(name);
    if (node === undefined) throw new BlockError(`Node '${name}' not found`, { code: 'ENODEV' });
    if (node.hasBackend) throw new BlockError(`Node '${name}' is already in use by a device`, { code: 'EBUSY' });
    await insertMedium(graph, backend, node, args);
  }

  return {
    'blockdev-open-tray'(args) {
      const backend = findBackend(context, args);
      checkRemovable(backend, args);
      // The guest has been asked if it has to let go first: that is all that is promised.
      openTray(backend, args.force ?? false);
    },

    'blockdev-close-tray'(args) {
      closeTray(findBackend(context, args), args);
    },

    'blockdev-remove-medium': (args) => remove(args),
    'x-blockdev-remove-medium': (args) => remove(args),
    'blockdev-insert-medium': (args) => insert(args),
    'x-blockdev-insert-medium': (args) => insert(args),

    async 'blockdev-change-medium'(args) {
      await changeMedium(context, findBackend(context, args), args);
    },

    async eject(args) {
      const backend = findBackend(context, args);
      checkRemovable(backend, args);
      if (!openTray(backend, args.force ?? false)) throw locked(args);
      await removeMedium(context, backend, args);
    },

    async change({ device, target, arg }) {
      if (device === 'vnc') throw new BlockError("There is no display here: 'change' is for devices only");
      const args = { device, filename: target, ...(arg === undefined ? {} : { format: arg }) };
      await changeMedium(context, findBackend(context, args), args);
    },
  } satisfies Partial<BlockHandlers>;
}

/** The name by which a command has called a device. */
function calledName({ device, id }: BackendArguments): string {
  return device ?? id ?? '';
}

function checkRemovable(backend: Backend, args: BackendArguments): void {
  if (!backend.removable) throw new BlockError(`Device '${calledName(args)}' is not removable`, { code: 'ENOTSUP' });
}

function locked(args: BackendArguments): BlockError {
  return new BlockError(
    `Device '${calledName(args)}' is locked and force was not specified, wait for tray to open and try again`,
    { code: 'EBUSY' },
  );
}

/**
 * Opens the tray of a removable device, if it has one. A guest that has locked it is asked to let go.
 *
 * @returns whether nothing is in the way of the medium: `false` when the guest keeps the tray closed
 */
function openTray(backend: Backend, force: boolean): boolean {
  const { device } = backend;
  if (!device?.hasTray || device.trayOpen) return true;
  const wasLocked = device.locked;
  if (wasLocked) device.requestEject(force);
  if (wasLocked && !force) return false;
  backend.changeMedium(false);
  return true;
}

/** Closes the tray of a device, if it has one, also over nothing. @throws BlockError when it is not removable */
function closeTray(backend: Backend, args: BackendArguments): void {
  checkRemovable(backend, args);
  if (backend.device?.hasTray && backend.device.trayOpen) backend.changeMedium(true);
}

/** With a device attached, the medium must be within reach. @throws BlockError when it is not */
function checkReachable(backend: Backend, args: BackendArguments): void {
  checkRemovable(backend, args);
  const { device } = backend;
  if (device?.hasTray && !device.trayOpen) throw new BlockError(`Tray of device '${calledName(args)}' is not open`);
}

/** Takes the medium out, if there is one. It is closed unless others use it. */
async function removeMedium(context: MediumContext, backend: Backend, args: BackendArguments): Promise<void> {
  checkReachable(backend, args);
  const node = context.graph.mediumOf(backend);
  if (node === undefined) return;
  context.graph.attachedTo(backend)?.checkAllowed('eject');
  rememberRootState(backend, node);
  await context.eject(backend);
  if (!backend.device?.hasTray) backend.changeMedium(false);
}

async function insertMedium(
  graph: BlockGraph,
  backend: Backend,
  node: BlockNode,
  args: BackendArguments,
): Promise<void> {
  checkReachable(backend, args);
  if (backend.root !== undefined) {
    throw new BlockError(`There already is a medium in device '${calledName(args)}'`, { code: 'EBUSY' });
  }
  backend.root = await graph.attachRoot(node, backend, rootPermissions(backend, node.flags));
  if (!backend.device?.hasTray) backend.changeMedium(true);
}

/** How the medium was opened is how the next one is, unless a command says otherwise. */
function rememberRootState(backend: Backend, node: BlockNode | undefined): void {
  if (node === undefined || node.temporary) return;
  const { flags, detectZeroes } = node;
  const { readOnly, direct, noFlush, unmap } = flags;
  backend.rootState = { ...backend.rootState, readOnly, direct, noFlush, unmap, detectZeroes };
}

/** Opens an image and puts it where another one may be. Nothing has changed when it cannot be opened, or the tray not be. */
async function changeMedium(
  context: MediumContext,
  backend: Backend,
  args: Omit<BlockdevChangeMediumArguments, 'id'> & BackendArguments,
): Promise<void> {
  const { graph } = context;
  rememberRootState(backend, graph.mediumOf(backend));
  const node = await openMedium(graph, backend, args.filename, args.format, args['read-only-mode'] ?? 'retain');
  // Nothing else holds it until it is inserted.
  await graph.holding(node, async () => {
    checkRemovable(backend, args);
    if (!openTray(backend, args.force ?? false)) throw locked(args);
    await removeMedium(context, backend, args);
    await insertMedium(graph, backend, node, args);
    closeTray(backend, args);
  });
}

function openMedium(
  graph: BlockGraph,
  { rootState }: Backend,
  filename: string,
  format: string | undefined,
  mode: BlockdevChangeReadOnlyMode,
): Promise<BlockNode> {
  const { direct, noFlush, unmap, copyOnRead } = rootState;
  const readOnly = mode === 'retain' ? rootState.readOnly : mode === 'read-only';
  return graph.open({
    filename,
    format,
    flags: { ...rootDefaults, readOnly, direct, noFlush, unmap },
    detectZeroes: rootState.detectZeroes === 'off' ? 'off' : 'on',
    copyOnRead: copyOnRead && !readOnly,
  });
}
