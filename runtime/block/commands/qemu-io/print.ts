const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** A number of bytes for people: `64 KiB`, `3.938 MiB`. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number.isInteger(value) ? value : value.toFixed(3)} ${units[unit]}`;
}

/** What a request is reported as. */
export interface IoReport {
  /** `read`, `wrote`, `discard`. */
  readonly verb: string;
  readonly offset: number;
  /** Bytes that were asked for, and that were done. */
  readonly count: number;
  readonly seconds: number;
  /** In one line for machines. */
  readonly parsable: boolean;
}

/** The lines about a request that was done. */
export function reportText({ verb, offset, count, seconds, parsable }: IoReport): string[] {
  const time = Math.max(seconds, 1e-9);
  if (parsable)
    return [`${count},1,${clockText(seconds)},${bytesText(count / time)}/sec,${(1 / time).toFixed(4)} ops/sec`];
  return [
    `${verb} ${count}/${count} bytes at offset ${offset}`,
    `${bytesText(count)}, 1 ops; ${clockText(seconds)} sec (${bytesText(count / time)}/sec and ${(1 / time).toFixed(4)} ops/sec)`,
  ];
}

function clockText(seconds: number): string {
  const hundredths = Math.floor(seconds * 100);
  return `${String(Math.floor(hundredths / 100)).padStart(2, '0')}.${String(hundredths % 100).padStart(2, '0')}`;
}

/** Data as numbers and as characters, 16 bytes a line. */
export function dumpText(buffer: Uint8Array, offset: number): string[] {
  const lines: string[] = [];
  for (let at = 0; at < buffer.length; at += 16) {
    const bytes = [...buffer.subarray(at, at + 16)];
    const numbers = bytes.map((byte) => `${byte.toString(16).padStart(2, '0')} `).join('');
    const characters = bytes.map((byte) =>
      /[a-z0-9]/i.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : '.',
    );
    lines.push(
      `${(offset + at).toString(16).padStart(8, '0')}:  ${numbers}${'   '.repeat(16 - bytes.length)} ${characters.join('')}`,
    );
  }
  return lines;
}
