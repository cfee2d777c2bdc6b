/*
 * A guest of 512 bytes: 16-bit x86 code, put together here, that the BIOS loads from the first sector to 0x7c00.
 * Source: the services of int 13h are those of the BIOS's enhanced disk drive interface (EDD): 42h reads, 43h writes.
 */

/** Where the BIOS puts the first sector. */
const origin = 0x7c00;
/** Where this guest has its buffer, behind itself. */
const buffer = 0x8000;
const sectorSize = 512;

/** `isa-debugcon`: what is written to it goes to a file of the host. */
const debugPort = 0xe9;
/** `isa-debug-exit`: a value written to it ends the program with the exit code `2 * value + 1`. */
const exitPort = 0xf4;

/** What the guest is to do. */
export interface GuestTask {
  /** The first of the sectors that are read. */
  readonly readFrom: number;
  /** How many: they all fit into the buffer at once. */
  readonly count: number;
  /** Where the first of them is written to. */
  readonly writeTo: number;
}

/** Said before and after the checksum. */
export const greeting = 'guest: ';
/** The exit codes of the program. */
export const exitCode = { good: 2 * 0x10 + 1, failed: 2 * 0x11 + 1 } as const;

/**
 * A boot sector that reads some sectors, says the sum of their bytes (16 bits, little-endian) on the debug port, changes
 * the first byte of the first one to `!`, writes that one elsewhere, and ends.
 */
export function bootSector({ readFrom, count, writeTo }: GuestTask): Buffer {
  const code = new Code();
  // The BIOS leaves the segments as they are, and in dl the drive that was booted from.
  code.bytes(0x31, 0xc0); // xor ax, ax
  code.bytes(0x8e, 0xd8); // mov ds, ax
  code.bytes(0x8e, 0xc0); // mov es, ax
  code.bytes(0x8e, 0xd0); // mov ss, ax
  code.bytes(0xbc).word(origin); // mov sp, origin
  code.bytes(0xfc); // cld
  for (const character of greeting) code.bytes(0xb0, character.charCodeAt(0), 0xe6, debugPort); // mov al, …; out port, al
  code.bytes(0xb4, 0x42).bytes(0xbe).address('read'); // mov ah, 42h; mov si, read
  code.bytes(0xcd, 0x13); // int 13h
  code.bytes(0x72).jump('failed'); // jc failed
  // The sum of all bytes.
  code.bytes(0xbe).word(buffer); // mov si, buffer
  code.bytes(0xb9).word(count * sectorSize); // mov cx, bytes
  code.bytes(0x31, 0xdb); // xor bx, bx
  code.bytes(0x30, 0xe4); // xor ah, ah
  code.label('add');
  code.bytes(0xac); // lodsb
  code.bytes(0x01, 0xc3); // add bx, ax
  code.bytes(0xe2).jump('add'); // loop add
  code.bytes(0x88, 0xd8, 0xe6, debugPort); // mov al, bl; out port, al
  code.bytes(0x88, 0xf8, 0xe6, debugPort); // mov al, bh; out port, al
  code.bytes(0xc6, 0x06).word(buffer).bytes('!'.charCodeAt(0)); // mov byte [buffer], '!'
  code.bytes(0xb8).word(0x4300).bytes(0xbe).address('write'); // mov ax, 4300h; mov si, write
  code.bytes(0xcd, 0x13); // int 13h
  code.bytes(0x72).jump('failed'); // jc failed
  code.bytes(0xb0, 0x10, 0xe6, exitPort); // mov al, 10h; out port, al
  code.label('failed');
  code.bytes(0xb0, 0x11, 0xe6, exitPort); // mov al, 11h; out port, al
  code.bytes(0xf4); // hlt
  code.label('read').diskAddress(count, readFrom);
  code.label('write').diskAddress(1, writeTo);
  return code.sector();
}

/** Machine code with labels. */
class Code {
  readonly #bytes: number[] = [];
  readonly #labels = new Map<string, number>();
  readonly #fixes: (() => void)[] = [];

  bytes(...bytes: readonly number[]): this {
    this.#bytes.push(...bytes);
    return this;
  }

  word(value: number): this {
    return this.bytes(value & 0xff, (value >> 8) & 0xff);
  }

  label(name: string): this {
    this.#labels.set(name, this.#bytes.length);
    return this;
  }

  /** The absolute address of a label. */
  address(name: string): this {
    const at = this.#bytes.length;
    this.#fixes.push(() => {
      const address = origin + this.#place(name);
      this.#bytes[at] = address & 0xff;
      this.#bytes[at + 1] = address >> 8;
    });
    return this.word(0);
  }

  /** The distance to a label, in one byte. */
  jump(name: string): this {
    const at = this.#bytes.length;
    this.#fixes.push(() => {
      this.#bytes[at] = (this.#place(name) - at - 1) & 0xff;
    });
    return this.bytes(0);
  }

  /** A disk address packet: what int 13h, 42h and 43h, work on. */
  diskAddress(count: number, sector: number): this {
    return this.bytes(16, 0)
      .word(count)
      .word(buffer)
      .word(0)
      .word(sector)
      .word(sector >>> 16)
      .word(0)
      .word(0);
  }

  /** All of it as a boot sector. */
  sector(): Buffer {
    for (const fix of this.#fixes) fix();
    if (this.#bytes.length > sectorSize - 2) throw new Error('the program does not fit into a sector');
    const sector = Buffer.alloc(sectorSize);
    sector.set(this.#bytes);
    sector.writeUInt16LE(0xaa55, sectorSize - 2);
    return sector;
  }

  #place(name: string): number {
    const place = this.#labels.get(name);
    if (place === undefined) throw new Error(`there is no label '${name}'`);
    return place;
  }
}
