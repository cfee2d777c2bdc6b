import { isJsonObject, type JsonValue } from '../../json/value.js';
import { after } from '../deadline.js';
import type { RateLimits } from './event-limits.js';

interface Window {
  /** The last event of the kind, kept until the window is over. */
  held: JsonValue | undefined;
  timer: NodeJS.Timeout | undefined;
}

/** Sends events on, the limited ones not more often than their limit allows. */
export class EventLimiter {
  readonly #limits: RateLimits;
  readonly #deliver: (message: JsonValue) => void;
  readonly #windows = new Map<string, Window>();

  constructor(limits: RateLimits, deliver: (message: JsonValue) => void) {
    this.#limits = limits;
    this.#deliver = deliver;
  }

  /** Sends an event, or keeps it until its kind may be sent again. Its timestamp is the time of this call either way. */
  send(name: string, data: JsonValue | undefined): void {
    const message = { timestamp: now(), event: name, ...(data !== undefined && { data }) };
    const limit = Object.hasOwn(this.#limits, name) ? this.#limits[name] : undefined;
    const kind = limit && kindOf(name, data, limit.by);
    if (limit === undefined || kind === undefined) {
      this.#deliver(message);
      return;
    }
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

/** What one limit is for; nothing when the data does not say, so that no kind hides another. */
function kindOf(name: string, data: JsonValue | undefined, by: string | undefined): string | undefined {
  if (by === undefined) return name;
  const value = isJsonObject(data) ? data[by] : undefined;
  return value === undefined ? undefined : `${name} ${String(value)}`;
}

function now(): JsonValue {
  const milliseconds = performance.timeOrigin + performance.now();
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds, microseconds: Math.floor((milliseconds - seconds * 1000) * 1000) };
}
