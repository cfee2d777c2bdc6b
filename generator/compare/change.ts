import type { Span } from '../text/source-file.js';
import type { ChangeKind } from './kinds.js';

/** Which way something goes: arguments are sent by clients; results and event data are received by them. */
export type Direction = 'sent' | 'received';

/**
 * What a change breaks: a client that sends, a client that receives, a server that implements the schema, source code written
 * against generated types.
 */
export type Role = 'sender' | 'receiver' | 'server' | 'source';

/**
 * How surely clients break: `breaks`; `may surprise` a client that handles exactly what it knows; a `notice` is worth knowing;
 * `compatible` breaks no client.
 */
export type ChangeSeverity = 'breaks' | 'may surprise' | 'notice' | 'compatible';

/** A place where a change shows on the wire. */
export interface ChangeUse {
  /** The command or event. */
  readonly entity: string;
  /** Which way it goes there; absent when the change is one of the command or event itself. */
  readonly direction?: Direction;
  /** The shortest path there: `arguments.options.file`, `returns[].inserted.node-name`, `data.info.type`. Empty for the command or event itself. */
  readonly path: string;
  /** The branches that show it there, where that is not the same everywhere. */
  readonly branch?: readonly ChangeBranch[];
}

/** The values of a discriminator that a change is confined to. */
export interface ChangeBranch {
  readonly tag: string;
  readonly values: readonly string[];
}

/** One change between two schemas, however many places show it. */
export interface Change {
  /** Stable: one for each kind. */
  readonly code: string;
  readonly kind: ChangeKind;
  /** Every command and event that the change reaches, by name. */
  readonly entities: readonly string[];
  /** The path in the first of the `uses`. */
  readonly path: string;
  /** Where it is confined to some branches, the same in all places that show it: the outer discriminator first. */
  readonly branch?: readonly ChangeBranch[];
  readonly breaks: readonly Role[];
  readonly severity: ChangeSeverity;
  /** What was there before; for a value its name. */
  readonly old?: string;
  /** What is there now. */
  readonly new?: string;
  /** What changed, in a sentence. */
  readonly message: string;
  /** What to do about it. */
  readonly advice?: string;
  /** The name of what seems to have come in the place of what is gone. */
  readonly successor?: string;
  /** The element, or all that contains it, was marked as deprecated. */
  readonly deprecated?: true;
  /** Since which release it was, where a history tells. */
  readonly deprecatedSince?: string;
  /** The element, or all that contains it, was marked as unstable, or its name begins with `x-`. */
  readonly unstable?: true;
  /** The server does not check these arguments against the schema. */
  readonly notEnforced?: true;
  /** Each command and event with its directions and the shortest path. */
  readonly uses: readonly ChangeUse[];
  readonly oldPlace?: Span;
  readonly newPlace?: Span;
}
