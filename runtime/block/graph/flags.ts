import type { BlockdevDetectZeroesOptions } from '../../../generated/index.js';
import type { ChildRole, NodeFlags } from '../driver.js';
import { invalid } from '../error.js';
import type { BlockOptions } from '../options.js';

/** How a node is opened, beyond what can be changed later. */
export interface OpenFlags extends NodeFlags {
  /** No backing file is opened, whatever the image says. */
  readonly noBacking: boolean;
  /** Guest data is neither read nor written: no key is needed. */
  readonly noIo: boolean;
  /** Others may do anything to it meanwhile, and it is not noticed. For read-only nodes. */
  readonly forceShare: boolean;
  /** It is opened while another program has the image. */
  readonly dormant: boolean;
}

/** The flags of a node for which no option is given. */
export const rootDefaults: OpenFlags = {
  readOnly: false,
  direct: false,
  noFlush: false,
  unmap: false,
  noBacking: false,
  noIo: false,
  forceShare: false,
  dormant: false,
  autoReadOnly: false,
};

/** What a parent hands down to a child that does not say otherwise. */
export function inherited(parent: OpenFlags, role: ChildRole): OpenFlags {
  const { direct, noFlush, forceShare, dormant, autoReadOnly = false } = parent;
  if (role === 'backing') return { ...parent, readOnly: true, autoReadOnly: false };
  // The upper layer decides what is discarded; what it passes on is meant.
  return {
    readOnly: parent.readOnly,
    direct,
    noFlush,
    unmap: true,
    noBacking: false,
    noIo: false,
    forceShare,
    dormant,
    autoReadOnly,
  };
}

/** The flags of a node that is opened with these. */
export function nodeFlagsOf(flags: OpenFlags): OpenFlags {
  const { inactive: _, ...others } = flags;
  return flags.dormant ? { ...others, readOnly: true, inactive: { readOnly: flags.readOnly } } : others;
}

/** Whether a node is read-only when it is active. */
export function staysReadOnly({ readOnly, inactive }: NodeFlags): boolean {
  return inactive?.readOnly ?? readOnly;
}

/** Takes the options that every node has and puts them over what is inherited. @throws BlockError for a bad value */
export function takeFlags(options: BlockOptions, base: OpenFlags): OpenFlags {
  const readOnly = options.takeBoolean('read-only') ?? base.readOnly;
  const forceShare = options.takeBoolean('force-share') ?? base.forceShare;
  if (forceShare && !readOnly) throw invalid('force-share=on can only be used with read-only images');
  const discard = options.takeEnum('discard', ['ignore', 'off', 'unmap', 'on']);
  return {
    ...base,
    readOnly,
    forceShare,
    dormant: !(options.takeBoolean('active') ?? !base.dormant),
    direct: options.takeBoolean('cache.direct') ?? base.direct,
    noFlush: options.takeBoolean('cache.no-flush') ?? base.noFlush,
    autoReadOnly: options.takeBoolean('auto-read-only') ?? base.autoReadOnly ?? false,
    unmap: discard === undefined ? base.unmap : discard === 'unmap' || discard === 'on',
  };
}

/** Takes `detect-zeroes`. @throws BlockError for a bad value, and for `unmap` on a node that does not unmap */
export function takeDetectZeroes(options: BlockOptions, flags: NodeFlags): BlockdevDetectZeroesOptions {
  const detectZeroes = options.takeEnum('detect-zeroes', ['off', 'on', 'unmap']) ?? 'off';
  if (detectZeroes === 'unmap' && !flags.unmap) {
    throw invalid('setting detect-zeroes to unmap is not allowed without setting discard operation to unmap');
  }
  return detectZeroes;
}
