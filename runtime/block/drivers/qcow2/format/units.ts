/*
 * The numbers of an image that must not be mixed up. Each is a number when the program runs; to the compiler, none is another, nor is a
 * number that came from elsewhere.
 */

declare const unit: unique symbol;

/** A byte of the disk, as a guest counts. */
export type GuestOffset = number & { readonly [unit]: 'guest offset' };

/** A byte of the file with the metadata, or of the data file. */
export type HostOffset = number & { readonly [unit]: 'host offset' };

/** A cluster of the file, by number. */
export type HostCluster = number & { readonly [unit]: 'host cluster' };

/** What a number means is known where it comes from: an entry of a table, a field of the header, a request. */
export function guestOffset(value: number): GuestOffset {
  return value as GuestOffset;
}

/** See {@link guestOffset}. */
export function hostOffset(value: number): HostOffset {
  return value as HostOffset;
}

/** See {@link guestOffset}. */
export function hostCluster(value: number): HostCluster {
  return value as HostCluster;
}

/** So many bytes or clusters further. */
export function further<T extends GuestOffset | HostOffset | HostCluster>(place: T, distance: number): T {
  return (place + distance) as T;
}

/** The cluster of the file that a byte of it is in. */
export function clusterOf(offset: HostOffset, clusterSize: number): HostCluster {
  return Math.floor(offset / clusterSize) as HostCluster;
}

/** Where a cluster of the file begins. */
export function startOf(cluster: HostCluster, clusterSize: number): HostOffset {
  return (cluster * clusterSize) as HostOffset;
}
