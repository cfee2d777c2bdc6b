/** Cylinders, heads and sectors per track, as old BIOSes count. */
export interface Geometry {
  readonly cylinders: number;
  readonly heads: number;
  readonly sectors: number;
}

/** The largest there is: it means that the disk is larger, or that its size is not that of a geometry. */
export const largestGeometry: Geometry = { cylinders: 65_535, heads: 16, sectors: 255 };

/** Cylinders of a disk whose tracks are not longer than usual. */
const mostCylinders = 1024;

/** Sectors of a disk of a geometry. */
export function sectorsOf({ cylinders, heads, sectors }: Geometry): number {
  return cylinders * heads * sectors;
}

/** The geometry of a disk that is not larger, by the table in the format's specification. */
function geometryWithin(total: number): Geometry {
  const largest = sectorsOf(largestGeometry);
  const bounded = Math.min(total, largest);
  const withTracks = (sectors: number, heads: number): Geometry => ({
    cylinders: Math.floor(Math.floor(bounded / sectors) / heads),
    heads,
    sectors,
  });
  if (bounded >= 65_535 * 16 * 63) return withTracks(255, 16);
  const tracks = Math.floor(bounded / 17);
  const heads = Math.max(4, Math.ceil(tracks / mostCylinders));
  if (tracks < heads * mostCylinders && heads <= 16) return withTracks(17, heads);
  if (Math.floor(bounded / 31) < 16 * mostCylinders) return withTracks(31, 16);
  return withTracks(63, 16);
}

/** The smallest geometry of a disk that has at least so many sectors; the largest one where none does. */
export function geometryFor(total: number): Geometry {
  let geometry = geometryWithin(total);
  for (let more = 1; sectorsOf(geometry) < total; more++) {
    geometry = geometryWithin(total + more);
    if (sectorsOf(geometry) === sectorsOf(largestGeometry)) break;
  }
  return geometry;
}
