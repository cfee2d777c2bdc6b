/*
 * How images in formats without a driver are recognised, so that they are not taken for raw: what a guest wrote there would destroy them.
 * Marks, versions and scores are those of QEMU's own drivers.
 */

/** The score of a mark that hardly anything else begins with, and that of a text or a name. */
const certain = 100;
const likely = 2;

/** A format that is recognised by the first sector, or by the file's name. */
interface ForeignFormat {
  readonly name: string;
  /** @returns as a driver's `probe`: 0 not at all … 100 certainly */
  probe(head: Uint8Array, filename: string): number;
}

/** The formats that the schema names, and that have no driver. */
export const foreignFormats: readonly ForeignFormat[] = [
  format('bochs', isBochs),
  { name: 'cloop', probe: (head) => (isCloop(head) ? likely : 0) },
  { name: 'dmg', probe: (_, filename) => (/.\.dmg$/s.test(filename) ? likely : 0) },
];

function format(name: string, matches: (head: Uint8Array) => boolean): ForeignFormat {
  return { name, probe: (head) => (matches(head) ? certain : 0) };
}

function isBochs(head: Uint8Array): boolean {
  return (
    string(head, 0, 32) === 'Bochs Virtual HD Image' &&
    string(head, 32, 16) === 'Redolog' &&
    string(head, 48, 16) === 'Growing' &&
    [0x10000, 0x20000].includes(uint32(head, 64, true))
  );
}

/** A shell script that mounts the image which it is followed by. */
function isCloop(head: Uint8Array): boolean {
  const script = '#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\n';
  return head.length > 0 && text(head, 0, script.length) === script.slice(0, head.length);
}

/** What stands at a place, a character for each byte; less where there is less. */
function text(head: Uint8Array, offset: number, length: number): string {
  return String.fromCharCode(...head.subarray(offset, offset + length));
}

/** Text that a zero ends. */
function string(head: Uint8Array, offset: number, length: number): string {
  return text(head, offset, length).split('\0', 1)[0] ?? '';
}

function uint32(head: Uint8Array, offset: number, littleEndian: boolean): number {
  if (offset + 4 > head.length) return 0;
  return new DataView(head.buffer, head.byteOffset).getUint32(offset, littleEndian);
}
