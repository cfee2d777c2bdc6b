import { setTimeout as delay } from 'node:timers/promises';
import { LONGEST_DELAY } from './deadline.js';
import type { QmpConnectionError } from './failure.js';
import { tell } from './listener.js';

/** What was lost with a connection. */
export interface ConnectionLoss {
  readonly error: QmpConnectionError;
  /** The commands that had been sent and not answered. Whether they were carried out is unknown. */
  readonly commands: readonly string[];
}

/** A connection was made again. Events that occurred meanwhile were missed. */
export interface Reconnection extends ConnectionLoss {
  /** How many times it was tried. */
  readonly attempts: number;
  /** How long there was no connection, in milliseconds. */
  readonly downtime: number;
}

/** Connects again: calls `open` until it works or there is no point in going on. */
export interface Reconnect {
  (open: () => Promise<void>, loss: ConnectionLoss, signal: AbortSignal): Promise<void>;
  /** Whether it also makes the first connection, when there is no server yet. */
  readonly waitForServer?: boolean;
}

/** How {@link backOff} goes about it. */
export interface BackOffOptions {
  /** The pause before the first attempt, in milliseconds; each further one is twice as long, give or take a fifth. Default: 100. */
  readonly initialDelay?: number;
  /** The longest pause, in milliseconds. Default: 10000. */
  readonly maxDelay?: number;
  /** How many attempts are made before the client gives up. Default: no end. */
  readonly attempts?: number;
  /**
   * Also waits for a server that is not there yet when the client connects for the first time; `connectTimeout` is then the limit
   * of each attempt, and the option `signal` of `connect` ends the wait. Default: `false`, an error.
   */
  readonly waitForServer?: boolean;
  /** Called when the connection was lost. */
  readonly onLost?: (loss: ConnectionLoss) => void;
  /** Called when there is a connection again, with what went missing. */
  readonly onReconnect?: (reconnection: Reconnection) => void;
}

/**
 * Connects again with growing pauses. Commands that were given in the meantime wait until there is a connection; those that had
 * been sent are rejected, since it is unknown whether they were carried out.
 *
 * @example
 * await connect('/run/qmp.sock', { reconnect: backOff({ onReconnect: ({ commands }) => console.warn('lost:', commands) }) });
 */
export function backOff(options: BackOffOptions = {}): Reconnect {
  const { initialDelay = 100, maxDelay = 10_000, attempts = Number.POSITIVE_INFINITY, waitForServer = false } = options;
  const reconnect = async (...[open, loss, signal]: Parameters<Reconnect>): Promise<void> => {
    const since = Date.now();
    tell(options.onLost, loss);
    for (let attempt = 1; ; attempt++) {
      const pause = Math.min(maxDelay, initialDelay * 2 ** (attempt - 1));
      const about = Math.min(LONGEST_DELAY, pause * (0.8 + 0.4 * Math.random()));
      await delay(about, undefined, { signal, ref: false }).catch(() => signal.throwIfAborted());
      try {
        await open();
        tell(options.onReconnect, { ...loss, attempts: attempt, downtime: Date.now() - since });
        return;
      } catch (error) {
        if (attempt >= attempts || signal.aborted) throw error;
      }
    }
  };
  return Object.assign(reconnect, { waitForServer });
}
