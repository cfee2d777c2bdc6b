import type { Difference } from '../json/codec.js';
import type { JsonValue } from '../json/value.js';
import type { CommandTable } from './command-table.js';
import type { QmpOddity } from './connection.js';
import type { WaitOptions } from './deadline.js';
import type { EventTable } from './event-sink.js';
import type { ReconnectOptions } from './reconnect.js';

/** What the generator knows of a schema at run time: its tables of commands and events. */
export interface SchemaTables {
  // biome-ignore lint/suspicious/noExplicitAny: a table fits whatever handlers it is for
  readonly commands: CommandTable<any>;
  readonly events: EventTable;
}

/** A message that is not as the schema has it. */
export interface SchemaDifference extends Difference {
  /** The command or event whose message it is. */
  readonly name: string;
  /** Which of its parts. */
  readonly part: 'returns' | 'data';
}

/** How much a client cares whether what is sent and received is as its schema says. */
export type ValidateOptions =
  | { readonly validate?: 'off' }
  | {
      /** `report` tells `onDifference` of everything and lets it pass; `strict` refuses it. */
      readonly validate: 'report' | 'strict';
      /** The generated tables of the schema: `{ commands, events }`. */
      readonly schema: SchemaTables;
      /** Hears of every difference between what arrived and the schema. */
      readonly onDifference?: (difference: SchemaDifference) => void;
    };

/** How a client connects. */
export type ConnectOptions = ValidateOptions & {
  /** Whether to enable out-of-band execution where the server offers it. Default: `true`. */
  readonly oob?: boolean;
  /** How long connecting may take until the server has greeted and agreed, in milliseconds. Default: 10000. */
  readonly connectTimeout?: number;
  /** How long a command may take, in milliseconds, unless its call says otherwise. Default: for ever. */
  readonly timeout?: number;
  /** Gives up connecting. */
  readonly signal?: AbortSignal;
  /** Connects again after the connection was lost. Default: `false`. */
  readonly reconnect?: boolean | ReconnectOptions;
  /** Hears of what arrives and cannot be read, or that no one waits for. */
  readonly onOddity?: (oddity: QmpOddity) => void;
  /** Hears of every message that goes over the wire; `wireLog` makes one that keeps secrets. */
  readonly onWire?: (direction: 'sent' | 'received', message: JsonValue) => void;
};

/** How one command is executed. Who stops waiting does not take back what has been sent. */
export interface ExecuteOptions extends WaitOptions {
  /** Executes the command out of band, past those that wait or run. Only some commands allow it. */
  readonly oob?: boolean | undefined;
}
