import type { Int64 } from '../../json/value.js';
import type { HistogramKind } from '../backend/accounting.js';
import type { Backend } from '../backend/backend.js';
import { areBoundaries } from '../backend/latency-histogram.js';
import { type Backends, withDevice } from '../backend/lookup.js';
import { deviceNotFound, invalid } from '../error.js';
import type { BlockHandlers } from './handlers.js';

/** The command that sets up histograms of latencies. */
export function histogramCommand(backends: Backends) {
  return {
    'block-latency-histogram-set'(given) {
      const { id, boundaries: general } = given;
      const { accounting } = backendOf(backends, id);
      const wanted: readonly (readonly [HistogramKind, string, readonly Int64[] | undefined])[] = [
        ['read', 'read', given['boundaries-read'] ?? general],
        ['write', 'write', given['boundaries-write'] ?? general],
        ['zoneAppend', 'append write', given['boundaries-zap'] ?? general],
        ['flush', 'flush', given['boundaries-flush'] ?? general],
      ];
      // All are checked before any is set: QEMU leaves those set that come before a wrong one.
      for (const [, name, boundaries] of wanted) {
        if (boundaries !== undefined && !areBoundaries(boundaries)) {
          throw invalid(`Device '${id}' set ${name} boundaries fail: there must be some, above 0 and rising`);
        }
      }
      const isRemoval = wanted.every(([, , boundaries]) => boundaries === undefined);
      if (isRemoval) accounting.removeHistograms();
      for (const [kind, , boundaries] of wanted) {
        if (boundaries !== undefined) accounting.setHistogram(kind, boundaries);
      }
    },
  } satisfies Partial<BlockHandlers>;
}

/** The backend of a device by its id or path, or else of a drive by its name. @throws BlockError (DeviceNotFound) */
function backendOf(backends: Backends, id: string): Backend {
  const found = withDevice(backends, id) ?? backends.backend(id);
  if (found === undefined) throw deviceNotFound(id);
  return found;
}
