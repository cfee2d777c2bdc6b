import type { Child } from '../../../driver.js';

/** Where the header of a volume is: at the beginning of a file, or of a part of one. Offsets count from there. */
export type HeaderPlace = Pick<Child, 'read' | 'write' | 'flush'>;

/** A part of a file that has a header. */
export function placeAt(file: Child, start: number): HeaderPlace {
  return {
    read: (offset, buffer) => file.read(start + offset, buffer),
    write: (offset, data) => file.write(start + offset, data),
    flush: () => file.flush(),
  };
}
