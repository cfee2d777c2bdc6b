import { isJsonObject, type JsonValue } from '../../json/value.js';
import { after } from '../deadline.js';

/** How often an event may be sent. */
export interface RateLimit {
  /** Within so many milliseconds after one was sent, only the last is kept, and sent when they are over. */
  readonly window: number;
  /** The member of the data that tells kinds of the event apart, each limited by itself. */
  readonly by?: string;
}

/** The limits that the reference sets. Source: its table of monitor events, releases up to 10.1. */
export const referenceRateLimits: { readonly [event: string]: RateLimit } = {
  BALLOON_CHANGE: { window: 1000 },
  BLOCK_IO_ERROR: { window: 1000, by: 'qom-path' },
  HV_BALLOON_STATUS_REPORT: { window: 1000 },
  MEMORY_DEVICE_SIZE_CHANGE: { window: 1000, by: 'qom-path' },
  QUORUM_FAILURE: { window: 1000 },
  QUORUM_REPORT_BAD: { window: 1000, by: 'node-name' },
  RTC_CHANGE: { window: 1000 },
  VSERPORT_CHANGE: { window: 1000, by: 'id' },
  WATCHDOG: { window: 1000 },
};

interface Window {
  /** The last event of the kind, kept until the window is over. */
  held: JsonValue | undefined;
  timer: NodeJS.Timeout | undefined;
}

/** Sends events on, the limited ones not more often than their limit allows. */
export class Broadcast {
  readonly #limits: { readonly [event: string]: RateLimit };
  readonly #deliver: (message: JsonValue) => void;
  readonly #windows = new Map<string, Window>();

  constructor(limits: { readonly [event: string]: RateLimit }, deliver: (message: JsonValue) => void) {
    this.#limits = limits;
    this.#deliver = deliver;
  }

  /** Sends an event, or keeps it until its kind may be sent again. Its timestamp is the time of this call either way. */
  send(name: string, data: JsonValue | undefined): void {
    const message = { timestamp: now(), event: name, ...(data !== undefined && { data }) };
    const limit = Object.hasOwn(this.#limits, name) ? this.#limits[name] : undefined;
    if (!limit) {
      this.#deliver(message);
      return;
    }
    const kind = limit.by !== undefined && isJsonObject(data) ? `${name} ${String(data[limit.by])}` : name;
    const window = this.#windows.get(kind);
    if (window) window.held = message;
    else {
      this.#deliver(message);
      this.#open(kind, limit.window);
    }
  }

  /** Drops what is kept. */
  close(): void {
    for (const { timer } of this.#windows.values()) clearTimeout(timer);
    this.#windows.clear();
  }

  #open(kind: string, length: number): void {
    const timer = after(length, () => {
      this.#windows.delete(kind);
      if (window.held === undefined) return;
      this.#deliver(window.held);
      this.#open(kind, length);
    });
    timer?.unref();
    const window: Window = { held: undefined, timer };
    this.#windows.set(kind, window);
  }
}

function now(): JsonValue {
  const milliseconds = performance.timeOrigin + performance.now();
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds, microseconds: Math.floor((milliseconds - seconds * 1000) * 1000) };
}
