import type { BlockDeviceStats, BlockDeviceTimedStats, BlockLatencyHistogramInfo } from '../../../generated/index.js';
import type { Int64 } from '../../json/value.js';
import type { Clock } from '../clock.js';
import { LatencyHistogram } from './latency-histogram.js';
import { TimedAverage } from './timed-average.js';
import { uncounted, untimed } from './uncounted.js';

/** What is counted. */
export type AccountedKind = 'read' | 'write' | 'flush' | 'discard';

/** What there are histograms of. No device here appends to zones: that one stays empty. */
export type HistogramKind = 'read' | 'write' | 'flush' | 'zoneAppend';

/** What is counted by time, too. */
type TimedKind = Exclude<AccountedKind, 'discard'>;

/** What accounting is configured by: the options `stats-…` of drives. */
export interface AccountingOptions {
  /** Failed requests count as accesses and in latencies. Default: `true`. */
  readonly accountFailed?: boolean;
  /** Invalid requests count as accesses. Default: `true`. */
  readonly accountInvalid?: boolean;
  /** Lengths of the intervals of timed statistics, in seconds, at least 1. Default: none. */
  readonly intervals?: readonly number[];
}

interface Counters {
  bytes: number;
  operations: number;
  /** Nanoseconds spent on all of them together. */
  time: number;
  failed: number;
  invalid: number;
}

interface Interval {
  readonly seconds: number;
  readonly latencies: { readonly [Kind in TimedKind]: TimedAverage };
}

/** Counts what guests ask of a backend. */
export class Accounting {
  readonly accountFailed: boolean;
  readonly accountInvalid: boolean;
  readonly #clock: Clock;
  readonly #counters: { readonly [Kind in AccountedKind]: Counters };
  readonly #intervals: readonly Interval[];
  readonly #histograms = new Map<AccountedKind | HistogramKind, LatencyHistogram>();
  #lastAccess: number | undefined;

  constructor(clock: Clock, { accountFailed = true, accountInvalid = true, intervals = [] }: AccountingOptions = {}) {
    this.accountFailed = accountFailed;
    this.accountInvalid = accountInvalid;
    this.#clock = clock;
    this.#counters = { read: noCounters(), write: noCounters(), flush: noCounters(), discard: noCounters() };
    const now = clock.now();
    this.#intervals = intervals.map((seconds) => {
      const average = (): TimedAverage => new TimedAverage(seconds * 1e9, now);
      return { seconds, latencies: { read: average(), write: average(), flush: average() } };
    });
  }

  /**
   * A request is done.
   *
   * @param start when it came, in nanoseconds of the clock
   */
  done(kind: AccountedKind, bytes: number, start: number): void {
    const counters = this.#counters[kind];
    counters.bytes += bytes;
    counters.operations++;
    this.#histograms.get(kind)?.add(this.#clock.now() - start);
    this.#accessed(kind, counters, start);
  }

  /** A request was tried, and failed. */
  failed(kind: AccountedKind, start: number): void {
    const counters = this.#counters[kind];
    counters.failed++;
    this.#histograms.get(kind)?.add(this.#clock.now() - start);
    if (this.accountFailed) this.#accessed(kind, counters, start);
  }

  /** A request was refused without being tried. */
  invalid(kind: AccountedKind): void {
    this.#counters[kind].invalid++;
    if (this.accountInvalid) this.#lastAccess = this.#clock.now();
  }

  /** Begins a histogram of latencies, in place of the one that there was. Failed requests always count. */
  setHistogram(kind: HistogramKind, boundaries: readonly Int64[]): void {
    this.#histograms.set(kind, new LatencyHistogram(boundaries));
  }

  removeHistograms(): void {
    this.#histograms.clear();
  }

  /**
   * What queries show.
   *
   * @param highestOffset the end of the write that reached furthest, in bytes, which the root node knows
   */
  stats(highestOffset: number): BlockDeviceStats {
    const { read, write, flush, discard } = this.#counters;
    const now = this.#clock.now();
    return {
      rd_bytes: exact(read.bytes),
      wr_bytes: exact(write.bytes),
      rd_operations: read.operations,
      wr_operations: write.operations,
      flush_operations: flush.operations,
      flush_total_time_ns: exact(flush.time),
      wr_total_time_ns: exact(write.time),
      rd_total_time_ns: exact(read.time),
      wr_highest_offset: highestOffset,
      unmap_bytes: exact(discard.bytes),
      unmap_operations: discard.operations,
      unmap_total_time_ns: exact(discard.time),
      ...uncounted,
      ...(this.#lastAccess === undefined ? {} : { idle_time_ns: exact(now - this.#lastAccess) }),
      failed_rd_operations: read.failed,
      failed_wr_operations: write.failed,
      failed_flush_operations: flush.failed,
      failed_unmap_operations: discard.failed,
      invalid_rd_operations: read.invalid,
      invalid_wr_operations: write.invalid,
      invalid_flush_operations: flush.invalid,
      invalid_unmap_operations: discard.invalid,
      account_invalid: this.accountInvalid,
      account_failed: this.accountFailed,
      timed_stats: this.#intervals.map((interval) => timedStats(interval, now)),
      ...this.#histogram('rd_latency_histogram', 'read'),
      ...this.#histogram('wr_latency_histogram', 'write'),
      ...this.#histogram('zone_append_latency_histogram', 'zoneAppend'),
      ...this.#histogram('flush_latency_histogram', 'flush'),
    };
  }

  #histogram<Name extends string>(name: Name, kind: HistogramKind): { [Key in Name]?: BlockLatencyHistogramInfo } {
    const histogram = this.#histograms.get(kind);
    return histogram === undefined ? {} : ({ [name]: histogram.info } as { [Key in Name]?: BlockLatencyHistogramInfo });
  }

  #accessed(kind: AccountedKind, counters: Counters, start: number): void {
    const now = this.#clock.now();
    const latency = now - start;
    counters.time += latency;
    this.#lastAccess = now;
    if (kind === 'discard') return;
    for (const { latencies } of this.#intervals) latencies[kind].add(now, latency);
  }
}

function noCounters(): Counters {
  return { bytes: 0, operations: 0, time: 0, failed: 0, invalid: 0 };
}

function timedStats({ seconds, latencies }: Interval, now: number): BlockDeviceTimedStats {
  const read = latencies.read.measured(now);
  const write = latencies.write.measured(now);
  const flush = latencies.flush.measured(now);
  return {
    interval_length: seconds,
    min_rd_latency_ns: exact(read.least),
    max_rd_latency_ns: exact(read.most),
    avg_rd_latency_ns: exact(read.average),
    min_wr_latency_ns: exact(write.least),
    max_wr_latency_ns: exact(write.most),
    avg_wr_latency_ns: exact(write.average),
    min_flush_latency_ns: exact(flush.least),
    max_flush_latency_ns: exact(flush.most),
    avg_flush_latency_ns: exact(flush.average),
    ...untimed,
    avg_rd_queue_depth: read.density,
    avg_wr_queue_depth: write.density,
  };
}

/** As integers go out: clocks may count parts of nanoseconds, and sums grow beyond what numbers hold exactly. */
function exact(value: number): Int64 {
  const integer = Math.trunc(value);
  return Number.isSafeInteger(integer) ? integer : BigInt(integer);
}
