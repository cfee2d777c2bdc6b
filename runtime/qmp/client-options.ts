import type { JsonValue } from '../json/value.js';
import type { WaitOptions } from './deadline.js';
import type { QmpOddity } from './link.js';
import type { Reconnect } from './reconnect.js';
import type { SchemaCheck, SchemaDifference } from './validation.js';

/** How much a client cares whether what is sent and received is as its schema says. */
export type ValidateOptions =
  | { readonly validate?: 'off' }
  | {
      /** `report` tells `onDifference` of everything and lets it pass; `strict` refuses it. */
      readonly validate: 'report' | 'strict';
      /** The schema: {@link checkedBy} makes it of the generated tables. */
      readonly schema: SchemaCheck;
      /** Called with every difference between what arrived and the schema. */
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
  /** Connects again after the connection was lost: {@link backOff} says how. */
  readonly reconnect?: Reconnect;
  /** Called with what arrives and cannot be read, and with replies to no request. */
  readonly onOddity?: (oddity: QmpOddity) => void;
  /** Called with every message that goes over the wire; `wireLog` makes one that keeps secrets. */
  readonly onWire?: (direction: 'sent' | 'received', message: JsonValue) => void;
};

/** How one command is executed. A caller that stops waiting does not take back what has been sent. */
export interface ExecuteOptions extends WaitOptions {
  /** Executes the command out of band, past those that wait or run. Only some commands allow it. */
  readonly oob?: boolean | undefined;
}
