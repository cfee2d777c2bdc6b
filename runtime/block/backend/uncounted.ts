import type { BlockDeviceStats, BlockDeviceTimedStats } from '../../../generated/index.js';

/** What statistics have of requests that no device here makes: appends to zones, and requests that are joined. */
export const uncounted = {
  rd_merged: 0,
  wr_merged: 0,
  unmap_merged: 0,
  zone_append_bytes: 0,
  zone_append_operations: 0,
  zone_append_total_time_ns: 0,
  zone_append_merged: 0,
  failed_zone_append_operations: 0,
  invalid_zone_append_operations: 0,
} satisfies Partial<BlockDeviceStats>;

/** The same of timed statistics. */
export const untimed = {
  min_zone_append_latency_ns: 0,
  max_zone_append_latency_ns: 0,
  avg_zone_append_latency_ns: 0,
  avg_zone_append_queue_depth: 0,
} satisfies Partial<BlockDeviceTimedStats>;
