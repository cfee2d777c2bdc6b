import type { Command, Schema } from '../../generator/schema/model.js';
import type { Presence } from '../schema-visits.js';
import type { Exchange } from './exchange.js';
import type { ProgramKind } from './program-kind.js';
import type { EventMessage } from './wire-watch.js';

/** What was checked of one command or event, in one respect. */
export interface Check {
  /** The respect; the groups are in the order in which they are checked. */
  readonly group: CheckGroup;
  /** The command or event. */
  readonly name: string;
  /** What is not as the schema says. */
  readonly problems: readonly string[];
  /** What is missing and may be, with the condition that excuses it. */
  readonly excused?: readonly Excused[];
  /** Why it could not be checked. */
  readonly skipped?: string;
  /** How many requests were made for it. */
  readonly requests?: number;
}

/** Something that the program lacks because of a condition. */
export interface Excused {
  readonly path: string;
  readonly condition: string;
}

/** All respects in which a program is checked. */
export const groups = ['introspection', 'protocol', 'queries', 'refusals', 'executions', 'events'] as const;

/** A respect in which a program is checked. */
export type CheckGroup = (typeof groups)[number];

/** A program and the schema that it is held against. */
export interface Subject {
  readonly exchange: Exchange;
  /** The events that came so far; more are added while it is checked. */
  readonly events: readonly EventMessage[];
  readonly kind: ProgramKind;
  readonly schema: Schema;
  /** The commands that the program describes. */
  readonly described: ReadonlySet<string>;
  /** Whether the program has a conditional part of the schema. */
  readonly isPresent: Presence;
  /** The commands that the program lists; undefined when the program does not have it. */
  readonly listed: ReadonlySet<string> | undefined;
}

/** The commands that the schema and the program both have. */
export function sharedCommands({ schema, described }: Subject): Command[] {
  return schema.definitions.filter(
    (definition): definition is Command => definition.kind === 'command' && described.has(definition.name),
  );
}
